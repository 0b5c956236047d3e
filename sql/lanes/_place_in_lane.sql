/*
 * Put live jobs that are in no lane into the right lane: blocked while they have parents, else
 * scheduled until run_at, else blocked if they need a semaphore, else ready.
 *
 * A job in strict order takes its place in line at once, whatever its time is. When it has its
 * slot, it waits for its time.
 */
create or replace function pgq._place_in_lane(ids bigint[], now_at timestamptz)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_in_turn constant boolean := (select true from pgq.queues where fair or rate_per_key limit 1);
  v_ready bigint;
  v_scheduled bigint;
begin
  insert into pgq.ready (queue, priority, job_id, task, ready_at, expires_at, partition_key)
  select queue, priority, id, task, greatest(now_at, created_at), expires_at,
    coalesce(partition_key, case when v_in_turn then pgq._tenant_key(queue) end)
  from pgq.jobs
  where id = any(ids)
    and run_at <= now_at
    and concurrency is null
    and (depends_on is null
      or (select true from pgq.dependencies where child_id = id limit 1) is null)
  order by id;
  get diagnostics v_ready = row_count;
  perform pgq._notify_ready(ids);
  if v_ready = cardinality(ids) then
    return;
  end if;

  insert into pgq.scheduled (job_id, run_at, priority, queue)
  select id, run_at, priority, queue
  from pgq.jobs
  where id = any(ids)
    and run_at > now_at
    and (concurrency is null or not concurrency ? 'order')
    and (depends_on is null
      or (select true from pgq.dependencies where child_id = id limit 1) is null)
  order by id;
  get diagnostics v_scheduled = row_count;
  if v_ready + v_scheduled < cardinality(ids)
    and v_ready + v_scheduled + pgq._line_up(ids, now_at) < cardinality(ids)
  then
    perform pgq._place_in_turn(ids, now_at);
  end if;
end
$$;

comment on function pgq._place_in_lane is 'Put live jobs into the lane where they belong.';
