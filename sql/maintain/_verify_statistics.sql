/*
 * Check the statistics: each job that succeeded has waited and run once, no outcome has more
 * times than jobs, and totals are not less than their parts.
 */
create or replace function pgq._verify_statistics()
  returns table (violation text, job_id bigint, detail text)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  with parts as materialized (
    select 'minutes' as kind, queue, task, outcome, jobs, waits, runs from pgq.stat_minutes
    union all
    select 'hours', queue, task, outcome, jobs, waits, runs from pgq.stat_hours
    union all
    select 'days', queue, task, outcome, jobs, waits, runs from pgq.stat_days
  ),
  counted as (
    select kind, queue, task, outcome, jobs, waits, runs from parts
    union all
    select 'totals', queue, task, outcome, jobs, waits, runs from pgq.stat_totals
    union all
    select 'deltas', queue, task, outcome, jobs,
      nullif(array[length(waits)]::bigint[], '{0}'), nullif(array[length(runs)]::bigint[], '{0}')
    from pgq.stat_deltas
  )
  select 'statistics with other histograms than jobs', null::bigint,
    format('%s of queue %s, task %s: %s', kind, queue, task, outcome)
  from (
    select counted.*,
      coalesce((select sum(number) from unnest(waits) as number), 0) as waited,
      coalesce((select sum(number) from unnest(runs) as number), 0) as ran
    from counted
  ) as measured
  where greatest(waited, ran) > jobs
    or (outcome = 'succeeded' and least(waited, ran) < jobs)
    or (outcome = 'lost' and greatest(waited, ran) > 0)
  union all
  select 'statistics with less in all than in parts', null, outcome
  from (
    select outcome, sum(jobs) as jobs from parts group by outcome
  ) as summed
  where jobs > (
    select coalesce(sum(total.jobs), 0) from pgq.stat_totals as total
    where total.outcome = summed.outcome
  )
$$;

comment on function pgq._verify_statistics is 'Check the sums and histograms of the statistics.';
