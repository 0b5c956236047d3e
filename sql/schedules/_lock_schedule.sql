/*
 * Lock a schedule by its name, and return it; raise if there is none. Waits for a session that
 * fires or changes it.
 */
create or replace function pgq._lock_schedule(name text)
  returns pgq.schedules
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_schedule pgq.schedules;
begin
  select *
  into v_schedule
  from pgq.schedules
  where name = _lock_schedule.name collate "default"
  for update;
  if not found then
    raise exception 'there is no schedule %', pgq._shorten(_lock_schedule.name)
      using errcode = 'JQ002',
            hint = 'The view schedule_status shows their names.';
  end if;
  return v_schedule;
end
$$;

comment on function pgq._lock_schedule is 'Lock a schedule by its name, and return it.';
