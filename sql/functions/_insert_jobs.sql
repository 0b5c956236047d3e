/*
 * Store the jobs of an enqueue_many call that have no unique_key, in one statement; return the ids
 * by place in the call, null for the others.
 */
create or replace function pgq._insert_jobs(jobs jsonb, now_at timestamptz)
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_ids bigint[];
begin
  with numbered as materialized (
    select place, nextval('pgq.jobs_id_seq') as new_id, stored.*
    from pgq._job_rows(jobs) as job
    cross join lateral pgq._new_job(
      job.task, job.args, job.queue, job.priority, job.run_at, job.delay, job.max_attempts,
      job.backoff, job.timeout, job.expires_in, job.unique_key, job.headers, now_at
    ) as stored
    where job.unique_key is null
    order by place
  ),
  stored as (
    insert into pgq.jobs (
      id, queue, task, priority, max_attempts, run_at, created_at, expires_at, timeout, args,
      headers, backoff
    )
    select new_id, queue, task, priority, max_attempts, run_at, created_at, expires_at, timeout,
      args, headers, backoff
    from numbered
  ),
  made_ready as (
    insert into pgq.ready (queue, priority, job_id, task, ready_at, expires_at)
    select queue, priority, new_id, task, now_at, expires_at
    from numbered
    where run_at <= now_at
  ),
  put_off as (
    insert into pgq.scheduled (job_id, run_at, priority, queue)
    select new_id, run_at, priority, queue
    from numbered
    where run_at > now_at
  )
  select coalesce(array_agg(new_id order by place), '{}')
  into v_ids
  from generate_series(1, jsonb_array_length(jobs)) as place
  left join numbered using (place);
  return v_ids;
end
$$;

comment on function pgq._insert_jobs is
  'Store the jobs of an enqueue_many call that have no unique_key, in one statement.';
