/*
 * How long the oldest ready job of a queue has been waiting, without the time for which the queue
 * was paused: no worker could have run it then. Null when none waits. What waits in line behind
 * 100,000 others is not looked at, nor what was paused before the last hundred pauses.
 */
create or replace function pgq.queue_latency(queue text)
  returns interval
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_since timestamptz;
begin
  select least(min(counted.ready_at), v_now)
  into v_since
  from (
    select lane.ready_at
    from pgq.ready as lane
    where lane.queue = queue_latency.queue collate "default"
    order by lane.priority, lane.ready_xid, lane.job_id
    limit 100000
  ) as counted
  having count(*) > 0;

  -- A job that came later has waited for no longer, and so has the oldest one net of pauses.
  return pgq._unpaused_time(queue_latency.queue collate "default", v_since, v_now);
end
$$;

comment on function pgq.queue_latency is
  'How long the oldest ready job of a queue has been waiting, not counting its pauses.';
