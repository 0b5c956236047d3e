/*
 * Pause a schedule that cannot be fired, and store why. The caller has locked its row.
 */
create or replace function pgq._pause_broken_schedule(
  schedule pgq.schedules,
  why text,
  now_at timestamptz
)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  insert into pgq.schedule_runs (schedule, run_at, fired_at, outcome, message)
  values (
    _pause_broken_schedule.schedule.name, _pause_broken_schedule.schedule.next_run_at, now_at,
    'failed', left(why, 1000)
  )
  on conflict on constraint schedule_runs_pkey do nothing;
  if found then
    perform pgq._count_ticks(array['failed']);
  end if;

  update pgq.schedules
  set last_run_at = next_run_at,
      paused_at = now_at,
      problem = left(why, 1000)
  where name = _pause_broken_schedule.schedule.name;
end
$$;

comment on function pgq._pause_broken_schedule is
  'Pause a schedule that cannot be fired, and store why.';
