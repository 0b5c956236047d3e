/*
 * Move live jobs to the history in a final state other than succeeded. The caller holds their lane
 * rows; those of running jobs are deleted here, since the claim's times go with the job.
 */
create or replace function pgq._end_jobs(ids bigint[], state text, now_at timestamptz)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
  set enable_mergejoin = off
  set enable_nestloop = off
as $$
#variable_conflict use_column
begin
  with claims as (
    delete from pgq.running
    where job_id = any(ids)
    returning job_id, claim_id, worker_id, ready_at, claimed_at
  ),
  ended as (
    delete from pgq.jobs
    where id = any(ids)
    returning *
  )
  insert into pgq.job_history (
    id, state, queue, task, priority, attempt, max_attempts, run_at, created_at, ready_at,
    claimed_at, finished_at, worker_id, claim_id, timeout, unique_key, args, headers, backoff,
    errors
  )
  select ended.id, _end_jobs.state, ended.queue, ended.task, ended.priority,
    ended.attempt + (claims.job_id is not null)::integer, ended.max_attempts, ended.run_at,
    ended.created_at, claims.ready_at, claims.claimed_at, now_at, claims.worker_id,
    coalesce(claims.claim_id, ended.last_claim_id), ended.timeout,
    ended.unique_key, ended.args, ended.headers, ended.backoff, ended.errors
  from ended
  left join claims on claims.job_id = ended.id;

  delete from pgq.cancel_requests
  where job_id = any(ids);
end
$$;

comment on function pgq._end_jobs is
  'Move live jobs to the history in a final state other than succeeded.';
