/*
 * Wake idle workers when work has become ready: one notification per queue, and none while no
 * worker waits for it. A commit that notifies holds a lock of the whole server while it is flushed,
 * so a busy system must not pay for wake-ups that nobody needs.
 *
 * What inserts into ready calls this, or _wake_workers(). A trigger would cost more than looking
 * for idle workers does.
 */
create or replace function pgq._notify_ready(ids bigint[])
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
begin
  if exists (select from pgq.workers where idle) then
    perform pgq._wake_workers(
      array(select distinct queue from pgq.ready where job_id = any(ids))
    );
  end if;
end
$$;

comment on function pgq._notify_ready is 'Wake idle workers when work has become ready.';
