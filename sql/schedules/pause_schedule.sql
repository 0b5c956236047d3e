/*
 * Stop a schedule from firing, until resume_schedule(). Answers whether it was not paused yet. Jobs
 * that it has enqueued are left alone.
 */
create or replace function pgq.pause_schedule(name text)
  returns boolean
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_schedule constant pgq.schedules := pgq._lock_schedule(pause_schedule.name collate "default");
begin
  if v_schedule.paused_at is not null then
    return false;
  end if;
  update pgq.schedules
  set paused_at = pgq._now()
  where name = v_schedule.name;
  perform pgq._audit_call('pause_schedule', v_schedule.name);
  return true;
end
$$;

comment on function pgq.pause_schedule is
  'Stop a schedule from firing, until resume_schedule(); answers whether it was not paused yet.';
