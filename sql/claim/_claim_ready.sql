/*
 * Move up to batch_size ready jobs to running, queue by queue and best first within each; return
 * their ids.
 *
 * One index walk from the start of each queue, or one from each mark. Rows that another session has
 * locked are skipped, so a claim never waits. The nested loops keep the order, and lock only rows
 * that are taken. The claimed jobs are those whose rows were deleted: a row that was updated since
 * the statement began is at another place, and is left for the next claim. Runs under the planner
 * settings of claim_batch.
 */
create or replace function pgq._claim_ready(
  queues text[],
  batch_size bigint,
  tasks text[],
  new_claim_id bigint,
  worker_id bigint,
  now_at timestamptz,
  limited boolean default null
)
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_taken bigint[];
begin
  if tasks is not null and pg_relation_size('pgq.task_marks'::regclass) > 0 then
    return pgq._claim_known(
      queues, batch_size, tasks, new_claim_id, worker_id, now_at, limited
    );
  end if;
  with gone as (
    delete from pgq.ready
    where ctid = any(array(
      select head.ctid
      from unnest(queues) as wanted (queue)
      cross join lateral pgq._ready_ranges(wanted.queue) as part
      cross join lateral (
        select ready.ctid
        from pgq.ready
        where ready.queue = wanted.queue
          and (ready.priority, ready.ready_xid, ready.job_id)
            >= (part.priority, part.ready_xid, part.job_id)
          and ready.priority < part.below
          and (ready.priority, ready.ready_xid) <= (part.below - 1, part.last_xid)
          and pgq._is_wanted(ready.task, _claim_ready.tasks)
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
    select job_id, new_claim_id, _claim_ready.worker_id, queue, task, ready_at,
      greatest(now_at, ready_at),
      case when _claim_ready.limited then pg_current_xact_id() end
    from gone
  )
  select array_agg(job_id) into v_taken from gone;
  if tasks is not null and coalesce(cardinality(v_taken), 0) < batch_size then
    perform pgq._pass_unknown_tasks(queues, tasks);
  end if;
  return coalesce(v_taken, '{}');
end
$$;

comment on function pgq._claim_ready is
  'Move up to batch_size ready jobs to running, queue by queue and best first within each.';
