/*
 * A job to be: what enqueue_again() copies of one that is or was there; nulls for an unknown one.
 * One snapshot sees a job in one place, also one that is ending or being retried.
 */
create or replace function pgq._job_to_copy(job_id bigint)
  returns pgq.jobs
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_job pgq.jobs;
begin
  select found.queue, found.task, found.priority, found.max_attempts, found.timeout,
    found.concurrency, found.partition_key, found.args, found.headers, found.backoff
  into v_job.queue, v_job.task, v_job.priority, v_job.max_attempts, v_job.timeout,
    v_job.concurrency, v_job.partition_key, v_job.args, v_job.headers, v_job.backoff
  from (
    select queue, task, priority, max_attempts, timeout, concurrency, partition_key, args, headers,
      backoff
    from pgq.jobs
    where id = _job_to_copy.job_id
    union all
    select queue, task, priority, max_attempts, timeout, concurrency, partition_key, args, headers,
      backoff
    from pgq.job_history
    where id = _job_to_copy.job_id
  ) as found
  limit 1;
  return v_job;
end
$$;

comment on function pgq._job_to_copy is
  'A job to be: what enqueue_again() copies of one that is or was there.';
