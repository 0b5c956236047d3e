/*
 * The last tick of a schedule up to a time, and the one that follows it; null: none. from_tick is a
 * tick that is not after that time.
 *
 * An interval is counted in whole microseconds, so that it never drifts. The ticks of cron are
 * found by bisection: the next tick after a moment is either up to the time or not.
 */
create or replace function pgq._last_tick(
  timing pgq.schedules,
  from_tick timestamptz,
  up_to timestamptz,
  out last_tick timestamptz,
  out following timestamptz
)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
declare
  v_cron bigint[];
  v_timezone text;
  v_high timestamptz := up_to;
  v_middle timestamptz;
begin
  if timing.every is not null then
    last_tick := from_tick + timing.every * div(
      extract(epoch from up_to - from_tick), extract(epoch from timing.every)
    )::double precision;
    following := last_tick + timing.every;
    return;
  end if;

  v_cron := pgq._parse_cron(timing.cron);
  v_timezone := pgq._read_time_zone(timing.timezone);
  last_tick := from_tick;
  following := pgq._cron_after(v_cron, timing.cron, last_tick, v_timezone);
  if following <= up_to then
    while v_high - last_tick > interval '1 minute' loop
      v_middle := last_tick + (v_high - last_tick) / 2;
      following := pgq._cron_after(v_cron, timing.cron, v_middle, v_timezone);
      if following <= up_to then
        last_tick := following;
      else
        v_high := v_middle;
      end if;
    end loop;
    loop
      following := pgq._cron_after(v_cron, timing.cron, last_tick, v_timezone);
      exit when (following <= up_to) is not true;
      last_tick := following;
    end loop;
  end if;
end
$$;

comment on function pgq._last_tick is
  'The last tick of a schedule up to a time, and the one that follows it.';
