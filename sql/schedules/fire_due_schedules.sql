/*
 * Enqueue the jobs of up to batch_size due schedules, earliest first; answer how many jobs, and
 * when to call again.
 *
 * Any number of sessions may call it at once: it skips a schedule that another session has locked,
 * so it never waits, and each tick fires once. If more schedules are due, the time to call again is
 * not after now. If others have locked all that is due, it is in a second. A schedule that cannot
 * be fired is paused, with its problem, and the others go on. An error that the schedule did not
 * cause is raised.
 */
create or replace function pgq.fire_due_schedules(batch_size bigint default 100)
  returns table (fired bigint, next_run_at timestamptz)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_from constant timestamptz := coalesce(pgq._due_from(v_now), '-infinity');
  v_schedule pgq.schedules;
begin
  if coalesce(fire_due_schedules.batch_size, 100) not between 1 and 10000 then
    raise exception 'batch_size is %', fire_due_schedules.batch_size
      using errcode = 'JQ002',
            hint = 'Pass 1 up to 10000.';
  end if;

  fired := 0;
  for v_schedule in
    select *
    from pgq.schedules
    where paused_at is null
      and next_run_at > v_from
      and next_run_at <= v_now
    order by next_run_at
    limit coalesce(fire_due_schedules.batch_size, 100)
    for update skip locked
  loop
    begin
      fired := fired + pgq._fire_schedule(v_schedule, v_now);
    exception
      when others then
        if left(sqlstate, 2) not in ('JQ', '22', '23', '54', 'P0') then
          raise;
        end if;
        perform pgq._pause_broken_schedule(v_schedule, sqlerrm, v_now);
    end;
  end loop;

  next_run_at := pgq._next_firing(v_from, v_now);
  return next;
end
$$;

comment on function pgq.fire_due_schedules is
  'Enqueue the jobs of due schedules; answers how many, and when to call again.';
