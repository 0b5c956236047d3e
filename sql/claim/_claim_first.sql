/*
 * Move the first ready job of a queue that _plain_queue found to running; return its id, alone. It
 * takes the job that _claim_ready would take, at a third of the cost. Null: the worker does not
 * know its task, or it has expired, so that there may be others behind it.
 */
create or replace function pgq._claim_first(
  queue text,
  tasks text[],
  new_claim_id bigint,
  worker_id bigint,
  now_at timestamptz
)
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_head record;
begin
  select head.job_id, head.task, head.ready_at, head.expires_at
  into v_head
  from pgq.ready as head
  where head.queue = _claim_first.queue
  order by head.priority, head.ready_xid, head.job_id
  limit 1
  for update skip locked;
  if v_head.job_id is null then
    return '{}';
  elsif v_head.expires_at <= now_at or v_head.task <> all(tasks) then
    return null;
  end if;

  delete from pgq.ready
  where job_id = v_head.job_id;
  insert into pgq.running (job_id, claim_id, worker_id, queue, task, ready_at, claimed_at)
  values (
    v_head.job_id, new_claim_id, _claim_first.worker_id, _claim_first.queue, v_head.task,
    v_head.ready_at, greatest(now_at, v_head.ready_at)
  );
  return array[v_head.job_id];
end
$$;

comment on function pgq._claim_first is
  'Move the first ready job of a queue without limits and marks to running.';
