/*
 * Move live jobs to the history in a final state other than succeeded. A reason, if given, is added
 * to their errors. The caller has locked their lane rows. The rows of running jobs are deleted
 * here, because the history keeps the times of the claim.
 */
create or replace function pgq._end_jobs(
  ids bigint[],
  state text,
  now_at timestamptz,
  reason text default null
)
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
declare
  v_batches bigint[];
begin
  perform pgq._count_outcome(ids, state, now_at);
  with claims as (
    delete from pgq.running
    where job_id = any(ids)
    returning job_id, claim_id, worker_id, ready_at, claimed_at
  ),
  ended as (
    delete from pgq.jobs
    where id = any(ids)
    returning *
  ),
  past as (
    insert into pgq.job_history (
      id, state, queue, task, priority, attempt, max_attempts, run_at, created_at, ready_at,
      claimed_at, finished_at, worker_id, claim_id, timeout, unique_key, unique_while, concurrency,
      depends_on, on_parent_failure, batch_id, partition_key, args, headers, backoff, errors
    )
    select ended.id, _end_jobs.state, ended.queue, ended.task, ended.priority,
      ended.attempt + (claims.job_id is not null)::integer, ended.max_attempts, ended.run_at,
      ended.created_at, claims.ready_at, claims.claimed_at,
      greatest(now_at, ended.created_at, claims.claimed_at), claims.worker_id,
      coalesce(claims.claim_id, ended.last_claim_id), ended.timeout, ended.unique_key,
      (select 'queued' from pgq.queued_keys as scope where scope.job_id = ended.id),
      ended.concurrency, ended.depends_on, ended.on_parent_failure, ended.batch_id,
      ended.partition_key, ended.args, ended.headers, ended.backoff,
      case
        when reason is null then ended.errors
        else pgq._with_error(ended.errors, pgq._error_entry('Ended', reason, null, null, now_at))
      end
    from ended
    left join claims on claims.job_id = ended.id
    returning batch_id
  )
  select array_agg(batch_id) filter (where batch_id is not null) into v_batches from past;

  delete from pgq.cancel_requests
  where job_id = any(ids);

  perform pgq._note_ended(
    ids, false, v_batches, case state when 'failed' then array['block'] else '{}' end
  );
end
$$;

comment on function pgq._end_jobs is
  'Move live jobs to the history in a final state other than succeeded.';
