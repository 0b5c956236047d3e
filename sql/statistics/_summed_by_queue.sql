/*
 * Return what was counted in a window by queue, with how many ended in each step from since on.
 */
create or replace function pgq._summed_by_queue(since timestamptz, until timestamptz, step interval)
  returns table (
    queue text, ended bigint[], failed bigint[], retried bigint,
    wait_p50 interval, wait_p95 interval, run_p50 interval, run_p95 interval
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  with counted as materialized (
    select one.queue, date_bin(step, one.began_at, since) as at, one.outcome, one.jobs,
      one.waits, one.runs
    from pgq._counted_between(null, null, since, until) as one
  ),
  steps as (
    select names.queue, begun.at,
      coalesce(sum(jobs) filter (
        where outcome in ('succeeded', 'failed', 'cancelled', 'expired')
      ), 0)::bigint as ended,
      coalesce(sum(jobs) filter (where outcome = 'failed'), 0)::bigint as failed,
      coalesce(sum(jobs) filter (where outcome = 'retried'), 0) as retried
    from (select distinct queue from counted) as names
    cross join generate_series(since, until, step) as begun (at)
    left join counted on counted.queue = names.queue and counted.at = begun.at
    group by names.queue, begun.at
  ),
  buckets as (
    select queue, part.is_run, part.bucket, sum(part.number)::bigint as number
    from counted
    cross join lateral (
      select false, bucket, waits[bucket] from generate_subscripts(waits, 1) as bucket
      union all
      select true, bucket, runs[bucket] from generate_subscripts(runs, 1) as bucket
    ) as part (is_run, bucket, number)
    group by queue, part.is_run, part.bucket
  ),
  times as (
    select queue, is_run, array_agg(bucket order by bucket) as places,
      array_agg(number order by bucket) as numbers
    from buckets group by queue, is_run
  )
  select sums.queue, sums.ended, sums.failed, sums.retried,
    pgq._percentile(waits.places, waits.numbers, 0.5),
    pgq._percentile(waits.places, waits.numbers, 0.95),
    pgq._percentile(runs.places, runs.numbers, 0.5),
    pgq._percentile(runs.places, runs.numbers, 0.95)
  from (
    select queue, array_agg(ended order by at) as ended, array_agg(failed order by at) as failed,
      sum(retried)::bigint as retried
    from steps group by queue
  ) as sums
  left join times as waits on waits.queue = sums.queue and not waits.is_run
  left join times as runs on runs.queue = sums.queue and runs.is_run;
$$;

comment on function pgq._summed_by_queue is
  'Return what was counted in a window by queue, with how many ended in each step.';
