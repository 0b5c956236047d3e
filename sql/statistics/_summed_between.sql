/*
 * Return what was counted in a window, summed by step; if step is null, by queue and task. A mean
 * or percentile of nothing is null, such as the wait of jobs of which none was claimed.
 */
create or replace function pgq._summed_between(
  only_queue text,
  only_task text,
  since timestamptz,
  until timestamptz,
  step interval
)
  returns table (
    at timestamptz, queue text, task text, outcomes jsonb, run_time interval,
    wait_mean interval, wait_p50 interval, wait_p95 interval, wait_p99 interval,
    run_mean interval, run_p50 interval, run_p95 interval, run_p99 interval
  )
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_custom_plan
  set jit = off
as $$
#variable_conflict use_column
begin
  return query
  with counted as materialized (
    select case when step is not null then date_bin(step, one.began_at, since) end as at,
      case when step is null then one.queue end as queue,
      case when step is null then one.task end as task,
      one.outcome, one.jobs, one.wait_us, one.run_us, one.waits, one.runs
    from pgq._counted_between(only_queue, only_task, since, until) as one
  ),
  sums as (
    select at, queue, task, jsonb_object_agg(outcome, jobs) as outcomes,
      sum(wait_us) as wait_us, sum(run_us) as run_us
    from (
      select at, queue, task, outcome, sum(jobs) as jobs, sum(wait_us) as wait_us,
        sum(run_us) as run_us
      from counted
      group by at, queue, task, outcome
    ) as by_outcome
    group by at, queue, task
  ),
  buckets as (
    select at, queue, task, part.is_run, part.bucket, sum(part.number)::bigint as number
    from counted
    cross join lateral (
      select false, bucket, waits[bucket] from generate_subscripts(waits, 1) as bucket
      union all
      select true, bucket, runs[bucket] from generate_subscripts(runs, 1) as bucket
    ) as part (is_run, bucket, number)
    group by at, queue, task, part.is_run, part.bucket
  ),
  histograms as (
    select at, queue, task,
      array_agg(bucket order by bucket) filter (where not is_run) as wait_buckets,
      array_agg(number order by bucket) filter (where not is_run) as waits,
      array_agg(bucket order by bucket) filter (where is_run) as run_buckets,
      array_agg(number order by bucket) filter (where is_run) as runs,
      sum(number) filter (where not is_run) as waited, sum(number) filter (where is_run) as ran
    from buckets
    group by at, queue, task
  )
  select sums.at, sums.queue, sums.task, sums.outcomes, make_interval(secs => run_us / 1000000.0),
    make_interval(secs => wait_us / 1000000.0 / waited),
    pgq._percentile(wait_buckets, waits, 0.5), pgq._percentile(wait_buckets, waits, 0.95),
    pgq._percentile(wait_buckets, waits, 0.99),
    make_interval(secs => run_us / 1000000.0 / ran),
    pgq._percentile(run_buckets, runs, 0.5), pgq._percentile(run_buckets, runs, 0.95),
    pgq._percentile(run_buckets, runs, 0.99)
  from sums
  left join histograms
    on (histograms.at, histograms.queue, histograms.task)
      is not distinct from (sums.at, sums.queue, sums.task);
end
$$;

comment on function pgq._summed_between is
  'Return what was counted in a window, summed by step, or by queue and task.';
