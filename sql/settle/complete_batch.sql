/*
 * End claimed jobs as succeeded, with their results (JSON texts, by place; null: none).
 *
 * Answers per job: ok; already, if a call with this claim_id has settled it before; lost, if the
 * claim is not valid any more or was taken away (nothing was changed); refused, if its result
 * cannot be stored (the attempt failed). Runs in the caller's transaction: called in the
 * transaction of the handler's own writes, both commit or neither.
 *
 * It deletes, and so locks, the claims in the order of their jobs.
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
  v_match record;
  v_ended bigint[];
  v_holders bigint[];
  v_batches bigint[];
begin
  v_match := pgq._match_claims(ids, claim_ids, results);
  if v_match.problems is not null then
    return query select * from pgq._complete_or_refuse(ids, claim_ids, results, v_match.problems);
    return;
  end if;

  with claims as (
    delete from pgq.running
    where job_id = any(v_match.held) and claim_id = any(v_match.held_claim_ids)
    returning job_id, claim_id, worker_id, queue, task, ready_at, claimed_at
  ),
  jobs as (
    delete from pgq.jobs where id = any(array(select job_id from claims)) returning *
  ),
  ended as (
    insert into pgq.job_history (
      id, state, queue, task, priority, attempt, max_attempts, run_at, created_at, ready_at,
      claimed_at, finished_at, worker_id, claim_id, timeout, unique_key, concurrency, depends_on,
      on_parent_failure, batch_id, partition_key, args, headers, backoff, errors, result
    )
    select id, 'succeeded', jobs.queue, jobs.task, priority, attempt + 1, max_attempts, run_at,
      created_at, ready_at, claimed_at, greatest(v_now, claimed_at), worker_id, claim_id, timeout,
      unique_key, concurrency, depends_on, on_parent_failure, batch_id, partition_key, args,
      headers, backoff, errors, case when v_match.held_results is not null
        then v_match.held_results[width_bucket(id, v_match.held)] end
    from jobs join claims on claims.job_id = jobs.id
  ),
  counted as (
    insert into pgq.stat_deltas (
      minute, queue, task, outcome, jobs, wait_us, run_us, waits, runs, job_ids
    )
    select date_trunc('minute', v_now, 'UTC'), queue, task, 'succeeded', count(*),
      sum(pgq._microseconds(ready_at, claimed_at)), sum(pgq._microseconds(claimed_at, v_now)),
      string_agg(pgq._bucket_letter(pgq._microseconds(ready_at, claimed_at)), ''),
      string_agg(pgq._bucket_letter(pgq._microseconds(claimed_at, v_now)), ''),
      array_agg(job_id) filter (where (select followed_until > v_now from pgq.settings))
    from claims where (select statistics from pgq.settings) = 'on'
    group by queue, task
  )
  select array_agg(batch_id) filter (where batch_id is not null),
    array_agg(id) filter (where concurrency is not null), (select array_agg(job_id) from claims)
  into v_batches, v_holders, v_ended
  from jobs;

  perform pgq._after_success(v_ended, v_holders, v_batches, v_now);

  if cardinality(v_ended) = cardinality(complete_batch.ids) then
    return query select asked, 'ok' from unnest(complete_batch.ids) as asked;
  else
    return query select * from pgq._outcomes(ids, claim_ids, v_ended, '{}');
  end if;
end
$$;

comment on function pgq.complete_batch is
  'End claimed jobs as succeeded, with their results; answers ok, already, lost or refused.';
