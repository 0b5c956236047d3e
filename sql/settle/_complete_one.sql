/*
 * End one claimed job without a result as succeeded, as _complete_many would, at half the cost.
 * tests/sql/settle/test_complete_one.py compares the two. is_bare: it leaves no row if nobody needs
 * it, see _leave_no_row(). Null: the claim is not held.
 */
create or replace function pgq._complete_one(
  job_id bigint,
  claim_id bigint,
  now_at timestamptz,
  is_bare boolean
)
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_claim record;
  v_job record;
begin
  delete from pgq.running as held
  where held.job_id = _complete_one.job_id
    and held.claim_id = _complete_one.claim_id
  returning * into v_claim;
  if v_claim.job_id is null then
    return null;
  end if;
  delete from pgq.jobs
  where id = v_claim.job_id
  returning * into v_job;

  if is_bare then
    is_bare := v_job.batch_id is null and pgq._need_row(array[v_job.id]) = '{}';
  end if;
  if is_bare is not true then
    insert into pgq.job_history (
      id, state, queue, task, priority, attempt, max_attempts, run_at, created_at, ready_at,
      claimed_at, finished_at, worker_id, claim_id, timeout, unique_key, concurrency, depends_on,
      on_parent_failure, batch_id, partition_key, args, headers, backoff, errors
    )
    values (
      v_job.id, 'succeeded', v_job.queue, v_job.task, v_job.priority, v_job.attempt + 1,
      v_job.max_attempts, v_job.run_at, v_job.created_at, v_claim.ready_at, v_claim.claimed_at,
      greatest(now_at, v_claim.claimed_at), v_claim.worker_id, v_claim.claim_id, v_job.timeout,
      v_job.unique_key, v_job.concurrency, v_job.depends_on, v_job.on_parent_failure,
      v_job.batch_id, v_job.partition_key, v_job.args, v_job.headers, v_job.backoff, v_job.errors
    );
  end if;
  insert into pgq.stat_deltas (
    minute, queue, task, outcome, jobs, wait_us, run_us, waits, runs, job_ids
  )
  select date_trunc('minute', now_at, 'UTC'), v_claim.queue, v_claim.task, 'succeeded', 1,
    pgq._microseconds(v_claim.ready_at, v_claim.claimed_at),
    pgq._microseconds(v_claim.claimed_at, now_at),
    pgq._bucket_letter(pgq._microseconds(v_claim.ready_at, v_claim.claimed_at)),
    pgq._bucket_letter(pgq._microseconds(v_claim.claimed_at, now_at)),
    case when setting.followed_until > now_at then array[v_job.id] end
  from pgq.settings as setting
  where setting.statistics = 'on';

  -- For any other job _after_success would find nothing: a table without a page is empty.
  if v_job.concurrency is not null or v_job.batch_id is not null
    or pg_relation_size('pgq.awaited'::regclass) > 0
    or pg_relation_size('pgq.dependencies'::regclass) > 0
    or current_setting('transaction_isolation') <> 'read committed'
  then
    perform pgq._after_success(
      array[v_job.id],
      case when v_job.concurrency is not null then array[v_job.id] end,
      case when v_job.batch_id is not null then array[v_job.batch_id] end,
      now_at
    );
  end if;
  return array[v_job.id];
end
$$;

comment on function pgq._complete_one is
  'End one claimed job without a result as succeeded; null: the claim is not held.';
