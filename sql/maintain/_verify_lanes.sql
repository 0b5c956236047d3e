/*
 * Violations of: a live job is in exactly one lane, and its lane row agrees with its row in jobs.
 */
create or replace function pgq._verify_lanes()
  returns table (violation text, job_id bigint, detail text)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  with lanes as (
    select 'scheduled' as lane, job_id, queue, null as task, priority, run_at
    from pgq.scheduled
    union all
    select 'blocked', job_id, queue, null,
      case when waiting_xid <> '1' then priority end, null  -- else in strict order
    from pgq.blocked
    union all
    select 'ready', job_id, queue, task, priority, null
    from pgq.ready
    union all
    select 'running', job_id, queue, task, null, null
    from pgq.running
  ),
  counted as (
    select job.id, array_agg(lanes.lane order by lanes.lane) as lanes, count(lanes.lane) as places
    from pgq.jobs as job
    left join lanes on lanes.job_id = job.id
    group by job.id
  )
  select 'live job in no lane', id, null::text
  from counted
  where places = 0
  union all
  select 'live job in several lanes', id, array_to_string(lanes, ', ')
  from counted
  where places > 1
  union all
  select 'lane row without a job', lanes.job_id, lanes.lane
  from lanes
  where not exists (select from pgq.jobs as job where job.id = lanes.job_id)
  union all
  select 'lane row that differs from its job', lanes.job_id, lanes.lane
  from lanes
  join pgq.jobs as job on job.id = lanes.job_id
  where lanes.queue <> job.queue
    or lanes.task <> job.task
    or lanes.priority <> job.priority
    or lanes.run_at <> job.run_at
  union all
  select 'job with more attempts than it may have', id, format('%s of %s', attempt, max_attempts)
  from pgq.jobs
  where attempt not between 0 and max_attempts - 1
$$;

comment on function pgq._verify_lanes is
  'Violations of: a live job is in exactly one lane, and its lane row agrees with jobs.';
