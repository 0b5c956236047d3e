/*
 * Move up to batch_size ready jobs of one queue, best first, to running; return their ids.
 *
 * One index walk from the start of the queue, or one from each mark. Rows that another session
 * holds are passed over, so a claim never waits. Runs under the planner settings of claim_batch.
 */
create or replace function pgq._take_ready(
  queue text,
  batch_size bigint,
  tasks text[],
  new_claim_id bigint,
  worker_id bigint,
  now_at timestamptz,
  limited boolean default false
)
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_range record;
  v_taken bigint[];
  v_all bigint[] := '{}';
begin
  for v_range in
    select * from pgq._ready_ranges(_take_ready.queue)
  loop
    with taken as (
      select ctid, job_id, task, ready_at
      from pgq.ready
      where queue = _take_ready.queue
        and (priority, ready_xid, job_id)
          >= (v_range.priority, v_range.ready_xid, v_range.job_id)
        and priority < v_range.below
        and (_take_ready.tasks is null or task = any(_take_ready.tasks))
        and (expires_at is null or expires_at > now_at)
      order by priority, ready_xid, job_id
      limit batch_size - cardinality(v_all)
      for update skip locked
    ),
    gone as (
      delete from pgq.ready
      where ctid = any(array(select ctid from taken))
    ),
    claims as (
      insert into pgq.running (
        job_id, claim_id, worker_id, queue, task, ready_at, claimed_at, limited
      )
      select job_id, new_claim_id, _take_ready.worker_id, _take_ready.queue, task, ready_at, now_at,
        case when _take_ready.limited then true end
      from taken
    )
    select array_agg(job_id) into v_taken from taken;

    v_all := v_all || v_taken;
    exit when cardinality(v_all) >= batch_size;
  end loop;
  return v_all;
end
$$;

comment on function pgq._take_ready is
  'Move up to batch_size ready jobs of one queue, best first, to running; return their ids.';
