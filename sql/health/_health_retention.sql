/*
 * retention_behind
 *   when: jobs are still in the history two days after their age, or longer
 *   do: run the statement in the hint; end sessions that read the history all the time
 *
 * It asks which partitions there are, and how far each day was read: no job. After a change of ages
 * it warns until maintain() has read the days that the change is for.
 */
create or replace function pgq._health_retention()
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  with late as (
    select past.day, pgq._prune_before(null) - past.day - 1 as due_for, true as is_whole
    from pgq._history_partitions() as past
    where past.day < pgq._prune_before(null)
    union all
    select due.day, due.due_for, false
    from pgq._history_days_due() as due
  ),
  summed as (
    select coalesce(max(due_for), 0) as worst, count(*) filter (where due_for >= 2) as days,
      min(day) filter (where due_for >= 2) as oldest_day,
      coalesce(bool_or(is_whole and due_for >= 2), false) as has_whole
    from late
  )
  select 'retention_behind', pgq._status_above(summed.worst, 1, 'infinity'),
    summed.worst::double precision,
    case summed.days
      when 0 then 'what is older than its age goes in time'
      else format('jobs of %s days, from %s on, are kept for %s days longer than their age',
        summed.days, to_char(summed.oldest_day::timestamp, 'YYYY-MM-DD'), summed.worst)
    end,
    case
      when summed.days = 0 then null
      when summed.has_whole
      then 'If no session reads the history all the time (see pg_locks), this drops what must go: '
        || 'select pgq.prune();'
      else 'Run it until it says that the step history did nothing: select * from pgq.maintain();'
    end,
    'The history takes more space than configure_retention() says, and keeps what should be gone.'
  from summed;
end
$$;

comment on function pgq._health_retention is
  'Health: whether jobs leave the history when their age is over.';
