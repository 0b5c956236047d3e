/*
 * Find the live jobs that fit, between two ids but without them. It looks at the few jobs that an
 * index found, or reads the lanes. It reads each job by its id, so a row of a lane costs the same
 * whatever else is there.
 */
create or replace function pgq._find_live_jobs(
  wanted pgq.job_filters,
  low bigint,
  high bigint,
  few bigint[]
)
  returns setof bigint
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
begin
  return query
  select job.id
  from (
    select walked.id, walked.worker_id
    from pgq._job_places() as walked
    where few is null
      and walked.place <> 'history'
      and walked.state = any(wanted.states)
      and walked.id > low
      and walked.id < high
      and (wanted.queue is null or walked.queue = wanted.queue)
    union all
    select named.id, named.worker_id
    from pgq._job_places() as named
    where named.place <> 'history'
      and named.state = any(wanted.states)
      and named.id = any(few)
      and named.id > low
      and named.id < high
  ) as lane
  cross join lateral (
    select * from pgq.jobs where id = lane.id offset 0
  ) as job
  where pgq._job_fits(
    wanted, job.queue, job.task, job.unique_key, job.concurrency, job.partition_key, job.batch_id,
    lane.worker_id, job.created_at, null, job.errors, job.headers, job.args
  );
end
$$;

comment on function pgq._find_live_jobs is 'Find the live jobs that fit, between two ids.';
