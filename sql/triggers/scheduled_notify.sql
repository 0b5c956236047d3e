/*
 * Let idle workers ask when the next job is due, if a new job is due sooner than they may know:
 * within ten seconds, and before every other scheduled job. They sleep until the time that
 * promote_due returned, or until their poll interval ends. The notification is empty, and no queue
 * has an empty name.
 *
 * A stream of jobs with the same delay rarely notifies, because each is due after the one before.
 */
create or replace function pgq._notify_scheduled()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_now constant timestamptz := pgq._now();
  v_soonest constant timestamptz := (select min(run_at) from added);
begin
  if v_soonest < v_now + interval '10 seconds'
    and exists (select from pgq.workers where idle)
    and not exists (select from pgq.scheduled where run_at > v_now and run_at < v_soonest)
    and (select notify from pgq.settings)
  then
    perform pg_notify('pgq_jobs', '');
  end if;
  return null;
end
$$;

comment on function pgq._notify_scheduled is
  'Let idle workers ask when the next job is due, if a new job is due sooner than they know.';

create trigger scheduled_notify
  after insert on pgq.scheduled
  referencing new table as added
  for each statement
  execute function pgq._notify_scheduled();

comment on trigger scheduled_notify on pgq.scheduled is
  'Lets idle workers ask when the next job is due.';
