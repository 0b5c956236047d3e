/*
 * End jobs whose claims are held as succeeded, and unblock what waits for them; return their ids.
 * The arrays are those of _match_claims, and of _leave_no_row, sorted (null: all leave a row). Runs
 * under the planner settings of complete_batch. _need_row sees what is committed when it is called,
 * after the last of the jobs was deleted, because it is volatile.
 */
create or replace function pgq._complete_many(
  held bigint[],
  held_claim_ids bigint[],
  held_results jsonb[],
  now_at timestamptz,
  bare bigint[]
)
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_ended bigint[];
  v_holders bigint[];
  v_batches bigint[];
begin
  with claims as (
    delete from pgq.running
    where job_id = any(held) and claim_id = any(held_claim_ids)
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
      created_at, ready_at, claimed_at, greatest(now_at, claimed_at), worker_id, claim_id, timeout,
      unique_key, concurrency, depends_on, on_parent_failure, batch_id, partition_key, args,
      headers, backoff, errors, case when held_results is not null
        then held_results[width_bucket(id, held)] end
    from jobs join claims on claims.job_id = jobs.id
    where batch_id is not null or (bare[width_bucket(id, bare)] = id) is not true
      or id = any((select pgq._need_row(array(select id from jobs)))::bigint[])
  ),
  counted as (
    insert into pgq.stat_deltas (
      minute, queue, task, outcome, jobs, wait_us, run_us, waits, runs, job_ids
    )
    select date_trunc('minute', now_at, 'UTC'), queue, task, 'succeeded', count(*), sum(wait),
      sum(run), string_agg(pgq._bucket_letter(wait), ''), string_agg(pgq._bucket_letter(run), ''),
      array_agg(job_id) filter (where (select followed_until > now_at from pgq.settings))
    from (
      -- Each time is computed once: with offset 0 it is not moved into the aggregates.
      select job_id, queue, task, pgq._microseconds(ready_at, claimed_at) as wait,
        pgq._microseconds(claimed_at, now_at) as run
      from claims
      offset 0
    ) as times
    where (select statistics from pgq.settings) = 'on'
    group by queue, task
  )
  select array_agg(batch_id) filter (where batch_id is not null),
    array_agg(id) filter (where concurrency is not null), (select array_agg(job_id) from claims)
  into v_batches, v_holders, v_ended
  from jobs;

  perform pgq._after_success(v_ended, v_holders, v_batches, now_at);
  return v_ended;
end
$$;

comment on function pgq._complete_many is
  'End jobs whose claims are held as succeeded; returns their ids.';
