/*
 * Store a schedule, or change the one with its name; say which: added, changed or unchanged.
 * Without a change nothing is locked.
 *
 * A schedule that keeps its timing keeps its next tick, and so its phase. A schedule that somebody
 * paused stays paused. A schedule that paused itself goes on, with the first tick after now.
 */
create or replace function pgq._upsert_schedule(new_schedule pgq.schedules)
  returns text
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  c_state constant text[] := '{created_at,next_run_at,last_run_at,paused_at,problem}';
  v_new pgq.schedules := new_schedule;
  v_old pgq.schedules;
begin
  select * into v_old from pgq.schedules where name = v_new.name;
  if to_jsonb(v_old) - c_state = to_jsonb(v_new) - c_state then
    return 'unchanged';
  end if;
  loop
    select * into v_old from pgq.schedules where name = v_new.name for update;
    exit when found;
    insert into pgq.schedules
    select v_new.*
    on conflict on constraint schedules_pkey do nothing;
    if found then
      return 'added';
    end if;
  end loop;

  if v_old.source is distinct from v_new.source then
    perform pgq._raise_not_of_source(v_old.name, v_old.source);
  end if;
  if to_jsonb(v_old) - c_state = to_jsonb(v_new) - c_state then
    return 'unchanged';
  end if;
  if (v_old.cron, v_old.every, v_old.timezone, v_old.starts_at)
    is not distinct from (v_new.cron, v_new.every, v_new.timezone, v_new.starts_at)
  then
    v_new.next_run_at := case
      when v_old.problem is null then v_old.next_run_at
      else pgq._first_tick(v_old, v_new.created_at)
    end;
  end if;
  update pgq.schedules
  set cron = v_new.cron,
      every = v_new.every,
      timezone = v_new.timezone,
      starts_at = v_new.starts_at,
      job = v_new.job,
      catch_up = v_new.catch_up,
      catch_up_window = v_new.catch_up_window,
      overlap = v_new.overlap,
      description = v_new.description,
      next_run_at = v_new.next_run_at,
      paused_at = case when problem is null then paused_at end,
      problem = null
  where name = v_new.name;
  return 'changed';
end
$$;

comment on function pgq._upsert_schedule is
  'Store a schedule, or change the one with its name; says which.';
