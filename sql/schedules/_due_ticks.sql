/*
 * What to do about a schedule that is due: the ticks to fire now, at most 100; the first and the
 * last tick to skip; and the tick that follows. If more than 100 ticks are due, the one that
 * follows is due too.
 */
create or replace function pgq._due_ticks(
  schedule pgq.schedules,
  now_at timestamptz,
  out ticks timestamptz[],
  out missed_from timestamptz,
  out missed_until timestamptz,
  out following timestamptz
)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
declare
  v_given_up timestamptz := now_at - schedule.catch_up_window;
begin
  following := schedule.next_run_at;
  if schedule.catch_up <> 'all' then
    v_given_up := (pgq._last_tick(schedule, following, now_at)).last_tick
      - interval '1 microsecond';
  end if;
  if schedule.catch_up = 'skip' then
    v_given_up := greatest(v_given_up, now_at - interval '00:01:00.000001');
  end if;

  if following <= v_given_up then
    missed_from := following;
    select passed.last_tick, passed.following
    into missed_until, following
    from pgq._last_tick(schedule, missed_from, v_given_up) as passed;
  end if;

  ticks := '{}';
  while following <= now_at and cardinality(ticks) < 100 loop
    ticks := ticks || following;
    following := (pgq._last_tick(schedule, following, following)).following;
  end loop;
end
$$;

comment on function pgq._due_ticks is
  'What to do about a due schedule: ticks to fire, ticks to skip, and the one that follows.';
