/*
 * Count the jobs of a day of the history that must go, by queue and state: all of the day, or those
 * whose age is over. It reads about most_pages of the day's pages. If there are more, these are a
 * sample, the same for each call while the day does not change.
 */
create or replace function pgq._preview_day(day date, whole_day boolean, most_pages bigint)
  returns table (queue text, state text, jobs bigint, exact boolean)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_custom_plan
  set jit = off
as $$
#variable_conflict use_column
declare
  v_name constant text := to_char(day::timestamp, '"pgq.job_history_"YYYYMMDD');
  v_pages constant bigint := pg_relation_size(to_regclass(v_name))
    / current_setting('block_size')::bigint;
  v_percent constant double precision := least(100, 100.0 * most_pages / greatest(v_pages, 1));
begin
  return query
  with rule as materialized (
    select kind, queue, task, before > _preview_day.day as over from pgq._retention_rules()
  ),
  counted as (
    select past.queue, past.task, past.state, count(*) as jobs,
      case past.state when 'expired' then 'cancelled' else past.state end as kind
    from pgq.job_history as past tablesample system (v_percent) repeatable (1)
    where past.finished_at >= _preview_day.day::timestamp at time zone 'UTC'
      and past.finished_at < (_preview_day.day + 1)::timestamp at time zone 'UTC'
    group by past.queue, past.task, past.state
  )
  select counted.queue, counted.state, round(sum(counted.jobs) * 100 / v_percent)::bigint,
    v_percent = 100
  from counted
  where whole_day
    or coalesce(
      (select over from rule where kind = counted.kind and task = counted.task and queue = ''),
      (select over from rule where kind = counted.kind and queue = counted.queue and task = ''),
      (select over from rule where kind = counted.kind and queue = '' and task = '')
    )
  group by counted.queue, counted.state;
end
$$;

comment on function pgq._preview_day is
  'Count the jobs of a day of the history that must go, by queue and state.';
