/*
 * Return what metrics() tells about everything that has happened: counters, and histograms as
 * their sum and how many were up to each bound: see stat_totals.
 */
create or replace function pgq._counted_metrics(tasks boolean)
  returns table (family text, labels jsonb, value double precision, counts bigint[])
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set jit = off
as $$
#variable_conflict use_column
begin
  return query
  with named as materialized (
    select total.*,
      case
        when tasks then jsonb_build_object('queue', queue, 'task', task)
        else jsonb_build_object('queue', queue)
      end as labels
    from pgq.stat_totals as total
    where queue <> '' and (task <> '') = tasks
    order by queue, task
  )
  select 'jobs_ended', labels || jsonb_build_object('outcome', outcome), jobs::double precision,
    null::bigint[]
  from named
  cross join lateral (
    values ('succeeded', succeeded), ('failed', failed), ('cancelled', cancelled),
      ('expired', expired), ('retried', retried), ('snoozed', snoozed), ('released', released),
      ('lost', lost)
  ) as counted (outcome, jobs)
  where jobs > 0
  union all
  select 'job_wait_seconds', labels, wait_us / 1e6, waits from named where waits[11] > 0
  union all
  select 'job_run_seconds', labels, run_us / 1e6, runs from named where runs[11] > 0
  union all
  select 'schedule_ticks', jsonb_build_object('outcome', said.outcome),
    coalesce(sum(counted.ticks), 0), null
  from unnest(array['enqueued', 'skipped', 'missed', 'manual', 'failed']) as said (outcome)
  left join pgq.stat_ticks as counted on counted.outcome = said.outcome
  group by said.outcome;
end
$$;

comment on function pgq._counted_metrics is
  'Return what metrics() tells about everything that has happened.';
