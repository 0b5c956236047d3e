/*
 * How long the oldest ready job of a queue has been waiting, not counting the time in which the
 * queue was paused, because no worker could run it then. Null if no job waits. It does not read
 * jobs behind the first 100,000, or pauses before the last hundred.
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

  -- No job that came later has waited longer, also without the pauses.
  return pgq._unpaused_time(queue_latency.queue collate "default", v_since, v_now);
end
$$;

comment on function pgq.queue_latency is
  'How long the oldest ready job of a queue has been waiting, not counting its pauses.';
