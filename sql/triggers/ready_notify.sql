/*
 * Wake idle workers when work becomes ready: one notification per queue and statement, and none
 * while no worker waits for it. A commit that notifies holds a lock of the whole server while it
 * is flushed, so a busy system must not pay for wake-ups that nobody needs.
 */
create or replace function pgq._notify_ready()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from pgq.workers where idle) then
    perform pgq._wake_workers(array(select distinct queue from added));
  end if;
  return null;
end
$$;

comment on function pgq._notify_ready is 'Wake idle workers when work becomes ready.';

create trigger ready_notify
  after insert on pgq.ready
  referencing new table as added
  for each statement
  execute function pgq._notify_ready();

comment on trigger ready_notify on pgq.ready is 'Wakes idle workers.';
