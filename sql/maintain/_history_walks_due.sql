/*
 * The days of the history in which something must go before the day does, and that have not been
 * read for it. Such a day can be made anew with what stays (can_shrink) if all that succeeded must
 * go, and the rest is at most 10,000 jobs of 64 MB. What another session held is tried again later.
 */
create or replace function pgq._history_walks_due()
  returns table (day date, rules text, last_id bigint, all_states boolean, can_shrink boolean)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_is_empty constant boolean := not exists (select from pgq.job_history_default);
begin
  return query
  with rule as materialized (
    select * from pgq._retention_rules()
  ),
  known as (
    select past.day, md5(string_agg(
        format('%s %L %L %s', kind, queue, task, before > past.day), ',' order by kind, queue, task
      )) as rules,
      bool_or(kind in ('succeeded', 'results') and before > past.day) as all_states,
      bool_and(before > past.day) filter (where kind = 'succeeded') as only_failures
    from pgq._history_partitions() as past
    cross join rule
    where past.day >= (select min(before) from rule where kind <> 'results')
      and past.day < (select max(before) from rule)
    group by past.day
  )
  select known.day, known.rules,
    case when walk.rules = known.rules then walk.last_id else 0 end,
    known.all_states,
    v_is_empty and known.only_failures and pgq._few_unsucceeded(known.day)
  from known
  left join pgq.history_walks as walk on walk.day = known.day
  where walk.rules is distinct from known.rules
    or (
      walk.last_id is not null
      and (walk.again_at between v_now and v_now + interval '1 hour') is not true
    )
  order by known.day;
end
$$;

comment on function pgq._history_walks_due is
  'The days of the history that must be read for what goes before the day does.';
