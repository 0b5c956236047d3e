/*
 * Wake idle workers when jobs have become ready: one notification per queue, and none if no worker
 * of the queue is idle. A commit that notifies holds a lock of the whole server while it is
 * flushed, so a busy system must not notify when nobody needs it.
 *
 * Every function that inserts into ready calls this, or _wake_workers(). A trigger would cost more
 * than the search for idle workers.
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

comment on function pgq._notify_ready is 'Wake idle workers when jobs have become ready.';
