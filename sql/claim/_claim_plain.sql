/*
 * Move up to batch_size ready jobs of a queue that _plain_queue found to running, best first;
 * return their ids. It takes the jobs that _claim_ready would take, at half the cost.
 * tests/sql/claim/test_plain_claims.py compares the two. Runs under the planner settings of
 * claim_batch.
 */
create or replace function pgq._claim_plain(
  queue text,
  batch_size bigint,
  tasks text[],
  new_claim_id bigint,
  worker_id bigint,
  now_at timestamptz
)
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_taken bigint[];
begin
  with gone as (
    delete from pgq.ready
    where ctid = any(array(
      select ready.ctid
      from pgq.ready
      where ready.queue = _claim_plain.queue
        and (_claim_plain.tasks is null or ready.task = any(_claim_plain.tasks))
        and (ready.expires_at is null or ready.expires_at > now_at)
      order by ready.priority, ready.ready_xid, ready.job_id
      limit batch_size
      for update skip locked
    ))
    returning job_id, queue, task, ready_at
  ),
  claims as (
    insert into pgq.running (job_id, claim_id, worker_id, queue, task, ready_at, claimed_at)
    select job_id, new_claim_id, _claim_plain.worker_id, queue, task, ready_at,
      greatest(now_at, ready_at)
    from gone
  )
  select array_agg(job_id) into v_taken from gone;
  return coalesce(v_taken, '{}');
end
$$;

comment on function pgq._claim_plain is
  'Move up to batch_size ready jobs of a queue without limits and marks to running.';
