/*
 * Put those of some live jobs that are in strict order and have their slots into the ready lane, or
 * into the scheduled lane until their time. They are in no lane.
 */
create or replace function pgq._place_in_turn(ids bigint[], now_at timestamptz)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_turns constant bigint[] := array(
    select job_id from pgq.slots where job_id = any(ids) and in_order is not null
  );
  v_in_turn constant boolean := (select true from pgq.queues where fair or rate_per_key limit 1);
begin
  insert into pgq.ready (queue, priority, job_id, task, ready_at, expires_at, partition_key)
  select queue, priority, id, task, greatest(now_at, created_at), expires_at,
    coalesce(partition_key, case when v_in_turn then pgq._tenant_key(queue) end)
  from pgq.jobs
  where id = any(v_turns)
    and run_at <= now_at
  order by id;
  perform pgq._notify_ready(v_turns);

  insert into pgq.scheduled (job_id, run_at, priority, queue)
  select id, run_at, priority, queue
  from pgq.jobs
  where id = any(v_turns)
    and run_at > now_at
  order by id;
end
$$;

comment on function pgq._place_in_turn is
  'Put jobs in strict order whose turn it is into the ready lane, or the scheduled one.';
