/*
 * Let a paused schedule fire again, also one that paused itself, in its old phase. Answers whether
 * it was paused. Ticks that passed meanwhile do not fire.
 */
create or replace function pgq.resume_schedule(name text)
  returns boolean
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_schedule constant pgq.schedules := pgq._lock_schedule(resume_schedule.name collate "default");
begin
  if v_schedule.paused_at is null then
    return false;
  end if;
  update pgq.schedules
  set paused_at = null,
      problem = null,
      next_run_at = pgq._first_tick(v_schedule, pgq._now())
  where name = v_schedule.name;
  perform pgq._audit_call('resume_schedule', v_schedule.name);
  return true;
end
$$;

comment on function pgq.resume_schedule is
  'Let a paused schedule fire again, in its old phase; answers whether it was paused.';
