/*
 * Let idle workers ask when the next schedule is due, if one is new, goes on, or is due earlier
 * than it was: they sleep until the time that they were told, or until their poll interval ends.
 * When a schedule fires, it is due later, and nothing is told.
 */
create or replace function pgq._notify_schedule()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if new.paused_at is null
    and (tg_op = 'INSERT' or old.paused_at is not null or new.next_run_at < old.next_run_at)
    and exists (select from pgq.workers where idle)
    and (select notify from pgq.settings)
  then
    perform pg_notify('pgq_jobs', '');
  end if;
  return null;
end
$$;

comment on function pgq._notify_schedule is 'Let idle workers ask when the next schedule is due.';

create trigger schedules_notify
  after insert or update on pgq.schedules
  for each row
  execute function pgq._notify_schedule();

comment on trigger schedules_notify on pgq.schedules is
  'Lets idle workers ask when the next schedule is due.';
