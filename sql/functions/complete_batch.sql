/*
 * End claimed jobs as succeeded, with their results (JSON texts, by place; null: none).
 *
 * Answers per job: ok; already, when this claim was settled before; lost, when it is not held any
 * more and nothing was changed. Runs in the caller's transaction: called in the transaction of the
 * handler's own writes, both commit or neither. Locks the claims in the order of their jobs.
 */
create or replace function pgq.complete_batch(
  ids bigint[],
  claim_ids bigint[],
  results text[] default null
)
  returns table (job_id bigint, outcome text)
  language plpgsql
  security definer
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
  v_now constant timestamptz := pgq._now();
  v_held bigint[] := pgq._hold_claims(complete_batch.ids, complete_batch.claim_ids);
begin
  with answers as (
    select distinct on (asked.job_id) asked.job_id,
      pgq._parse_json(asked.result, 'result') as result
    from unnest(complete_batch.ids, complete_batch.results) as asked (job_id, result)
    where asked.result is not null
  ),
  claims as (
    delete from pgq.running
    where job_id = any(v_held)
    returning job_id, claim_id, worker_id, ready_at, claimed_at
  ),
  ended as (
    delete from pgq.jobs
    where id = any(v_held)
    returning *
  )
  insert into pgq.job_history (
    id, state, queue, task, priority, attempt, max_attempts, run_at, created_at, ready_at,
    claimed_at, finished_at, worker_id, claim_id, timeout, unique_key, args, headers, backoff,
    errors, result
  )
  select ended.id, 'succeeded', ended.queue, ended.task, ended.priority, ended.attempt + 1,
    ended.max_attempts, ended.run_at, ended.created_at, claims.ready_at, claims.claimed_at, v_now,
    claims.worker_id, claims.claim_id, ended.timeout, ended.unique_key, ended.args, ended.headers,
    ended.backoff, ended.errors, answers.result
  from ended
  join claims on claims.job_id = ended.id
  left join answers on answers.job_id = ended.id;

  if cardinality(v_held) = cardinality(complete_batch.ids) then
    return query
    select asked, 'ok' from unnest(complete_batch.ids) as asked;
  else
    return query
    select * from pgq._outcomes(complete_batch.ids, complete_batch.claim_ids, v_held, '{}');
  end if;
end
$$;

comment on function pgq.complete_batch is
  'End claimed jobs as succeeded, with their results; answers ok, already or lost per job.';
