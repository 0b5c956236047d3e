/*
 * Return what was counted in a window by queue, with how many ended in each step from since on.
 */
create or replace function pgq._summed_by_queue(since timestamptz, until timestamptz, step interval)
  returns table (
    queue text, ended bigint[], failed bigint[], retried bigint, waits numeric, runs numeric
  )
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_custom_plan
  set jit = off
  set enable_sort = off
as $$
#variable_conflict use_column
begin
  return query
  with counted as materialized (
    select one.queue, date_bin(step, one.began_at, since) as at,
      sum(jobs) filter (
        where outcome in ('succeeded', 'failed', 'cancelled', 'expired')
      ) as ended,
      sum(jobs) filter (where outcome = 'failed') as failed,
      sum(jobs) filter (where outcome = 'retried') as retried,
      sum(waits) as waits, sum(runs) as runs
    from pgq._counted_between(null, null, since, until) as one
    group by 1, 2
  )
  select names.queue,
    array_agg(coalesce(counted.ended, 0)::bigint order by begun.at),
    array_agg(coalesce(counted.failed, 0)::bigint order by begun.at),
    coalesce(sum(counted.retried), 0)::bigint, sum(counted.waits), sum(counted.runs)
  from (select distinct queue from counted) as names
  cross join generate_series(since, until, step) as begun (at)
  left join counted on counted.queue = names.queue and counted.at = begun.at
  group by names.queue;
end
$$;

comment on function pgq._summed_by_queue is
  'Return what was counted in a window by queue, with how many ended in each step.';
