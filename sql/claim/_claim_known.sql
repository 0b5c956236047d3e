/*
 * What _claim_ready does for a claim with a list of tasks while there are marks for such lists: it
 * starts at them. Runs under the planner settings of claim_batch.
 */
create or replace function pgq._claim_known(
  queues text[],
  batch_size bigint,
  tasks text[],
  new_claim_id bigint,
  worker_id bigint,
  now_at timestamptz,
  limited boolean
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
      select head.ctid
      from pgq._ready_parts(queues, tasks) as part
      cross join lateral (
        select ready.ctid
        from pgq.ready
        where ready.queue = part.queue
          and (ready.priority, ready.ready_xid, ready.job_id)
            >= (part.priority, part.ready_xid, part.job_id)
          and ready.priority < part.below
          and (ready.priority, ready.ready_xid) <= (part.below - 1, part.last_xid)
          and pgq._is_wanted(ready.task, tasks)
          and (ready.expires_at is null or ready.expires_at > now_at)
        order by ready.priority, ready.ready_xid, ready.job_id
        limit batch_size
        for update skip locked
      ) as head
      limit batch_size
    ))
    returning job_id, queue, task, ready_at
  ),
  claims as (
    insert into pgq.running (
      job_id, claim_id, worker_id, queue, task, ready_at, claimed_at, limited_xid
    )
    select job_id, new_claim_id, _claim_known.worker_id, queue, task, ready_at,
      greatest(now_at, ready_at),
      case when _claim_known.limited then pg_current_xact_id() end
    from gone
  )
  select array_agg(job_id) into v_taken from gone;
  if coalesce(cardinality(v_taken), 0) < batch_size then
    perform pgq._pass_unknown_tasks(queues, tasks);
  end if;
  return coalesce(v_taken, '{}');
end
$$;

comment on function pgq._claim_known is
  'Move up to batch_size ready jobs of known tasks to running, from the marks of these tasks on.';
