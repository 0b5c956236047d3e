/*
 * Make the partition of a day anew with the jobs that stay, and drop the old one with all others,
 * as _drop_history_partition() does; answer how many stay. Until the commit nobody can read that
 * day or the default partition. The lock comes first, so that a retry has committed or waits.
 */
create or replace function pgq._shrink_history_day(day date, rules text)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_custom_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_name constant text := to_char(day::timestamp, '"job_history_"YYYYMMDD');
  v_stay pgq.job_history[];
begin
  execute format('lock table pgq.%I', v_name);
  with stays as (
    delete from pgq.job_history as past
    where past.finished_at >= _shrink_history_day.day::timestamp at time zone 'UTC'
      and past.finished_at < (_shrink_history_day.day + 1)::timestamp at time zone 'UTC'
      and past.id = any(array(
        select one.id
        from pgq._finished_jobs_over(_shrink_history_day.day, 0, false, null) as one
        where not one.is_over
      ))
    returning past
  )
  select array_agg(past) into v_stay from stays;
  perform pgq._drop_history_partition(v_name);
  perform pgq._make_history_partition(day);
  insert into pgq.job_history
  select stay.*
  from unnest(v_stay) as stay;
  insert into pgq.history_walks as walk (day, rules)
  values (_shrink_history_day.day, _shrink_history_day.rules)
  on conflict on constraint history_walks_pkey do update
  set rules = excluded.rules, last_id = null, held_from = null, again_at = null;
  return coalesce(cardinality(v_stay), 0);
end
$$;

comment on function pgq._shrink_history_day is
  'Make the partition of a day anew with the jobs that stay; answers how many.';
