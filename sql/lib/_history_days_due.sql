/*
 * The days of the history that must be read for what goes before the day does, oldest first. rules
 * says which rules are over for the day, as a hash; read to the end under the same hash, a day is
 * not due. What another session held is tried again later.
 *
 * due_for says how long the last of the rules that are over has been so. all_states: one of them is
 * for jobs that succeeded, or for results. only_failures: all that succeeded must go. It groups
 * rules by their age, because there may be many rules and many days, but there are few ages.
 */
create or replace function pgq._history_days_due()
  returns table (
    day date, rules text, last_id bigint, due_for integer, all_states boolean, only_failures boolean
  )
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
begin
  return query
  with age as materialized (
    select keep, before,
      md5(string_agg(
        format('%s %L %L', kind, queue, task), ',' order by kind, queue, task
      )) as rules,
      bool_or(kind <> 'results') as of_jobs,
      bool_or(kind in ('succeeded', 'results')) as of_all_states,
      bool_or(kind = 'succeeded') as of_successes
    from pgq._retention_rules()
    group by keep, before
  ),
  known as (
    select past.day,
      md5(string_agg(age.rules || (before > past.day)::text, ',' order by keep)) as rules,
      (min(before) filter (where before > past.day)) - past.day - 1 as due_for,
      coalesce(bool_or(of_all_states) filter (where before > past.day), false) as all_states,
      bool_and(before > past.day) filter (where of_successes) as only_failures
    from pgq._history_partitions() as past
    cross join age
    where past.day >= (select min(before) from age where of_jobs)
      and past.day < (select max(before) from age)
    group by past.day
  )
  select known.day, known.rules,
    case when walk.rules = known.rules then walk.last_id else 0 end,
    known.due_for, known.all_states, known.only_failures
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

comment on function pgq._history_days_due is
  'The days of the history that must be read for what goes before the day does.';
