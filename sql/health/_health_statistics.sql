/*
 * statistics
 *   when: over a thousand pairs of queue and task in a day; the rest is counted as `(other)`
 *   do: put what varies into the arguments of a job, and not into the names
 */
create or replace function pgq._health_statistics(now_at timestamptz)
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select 'statistics', pgq._status_above(counted.pairs, 999, 'infinity'),
    counted.pairs::double precision,
    case
      when counted.pairs < 1000 then 'every queue and task is counted by its name'
      else 'a thousand pairs of queue and task have been counted today; more are (other)'
    end,
    case
      when counted.pairs >= 1000
      then 'Put what varies, such as an id, into the arguments of a job, not into the name of its '
        || 'task or queue: select * from pgq.task_stats();'
    end,
    'Statistics do not name every queue and task.'
  from (
    select count(*) as pairs
    from (
      select from pgq.stat_series
      where last_day >= (now_at at time zone 'UTC')::date
      limit 1000
    ) as today
  ) as counted;
end
$$;

comment on function pgq._health_statistics is
  'Health: whether statistics name every queue and task.';
