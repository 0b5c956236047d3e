/*
 * Check the statistics: each job that succeeded has waited and run once, no outcome has more
 * times than jobs, and totals, of pairs and of queues, are not less than their parts.
 */
create or replace function pgq._verify_statistics()
  returns table (violation text, job_id bigint, detail text)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  with counted as (
    select unit as kind, queue, task, outcome, jobs,
      case when outcome = 'succeeded' then jobs else 0 end as succeeded,
      coalesce((select sum(number) from unnest(pgq._counts_of(waits)) as number), 0) as waited,
      coalesce((select sum(number) from unnest(pgq._counts_of(runs)) as number), 0) as ran
    from pgq.stat_periods
    union all
    select 'delta', queue, task, outcome, jobs,
      case when outcome = 'succeeded' then jobs else 0 end, length(waits), length(runs)
    from pgq.stat_deltas
    union all
    select 'total', queue, task, 'all',
      succeeded + failed + cancelled + expired + retried + snoozed + released, succeeded,
      waits[11], runs[11]
    from pgq.stat_totals
    where queue <> ''
  ),
  total as (
    select kind.is_queue, outcome.name as outcome, coalesce(sum(outcome.jobs), 0) as jobs
    from (values (true), (false)) as kind (is_queue)
    left join pgq.stat_totals as total on (total.task = '') = kind.is_queue
    cross join lateral (
      values ('succeeded', succeeded), ('failed', failed), ('cancelled', cancelled),
        ('expired', expired), ('retried', retried), ('snoozed', snoozed), ('released', released),
        ('lost', lost)
    ) as outcome (name, jobs)
    group by 1, 2
  )
  select 'statistics with other histograms than jobs', null::bigint,
    format('%s of queue %s, task %s: %s', kind, queue, task, outcome)
  from counted
  where greatest(waited, ran) > jobs
    or least(waited, ran) < succeeded
    or (outcome = 'lost' and greatest(waited, ran) > 0)
  union all
  select 'statistics with less in all than in parts', null, outcome
  from (select outcome, sum(jobs) as jobs from pgq.stat_periods group by outcome) as summed
  join total using (outcome)
  where summed.jobs > total.jobs
$$;

comment on function pgq._verify_statistics is 'Check the sums and histograms of the statistics.';
