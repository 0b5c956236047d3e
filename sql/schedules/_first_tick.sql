/*
 * When a schedule is due next, after now. It is a new schedule, or, with its old next_run_at, one
 * that was paused: that one keeps its phase, and its missed ticks do not fire.
 */
create or replace function pgq._first_tick(timing pgq.schedules, now_at timestamptz)
  returns timestamptz
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
declare
  v_anchor constant timestamptz := coalesce(timing.next_run_at, timing.starts_at);
  v_first timestamptz;
begin
  if timing.cron is not null then
    v_first := pgq.cron_next(
      timing.cron, greatest(now_at, v_anchor - interval '1 microsecond'), timing.timezone
    );
    if v_first is null then
      raise exception 'cron: "%" is never due again', pgq._shorten(timing.cron)
        using errcode = 'JQ006',
              hint = 'Check the day of month, the month and the day of week.';
    end if;
    return v_first;
  end if;

  return case
    when v_anchor is null then now_at + timing.every
    when v_anchor >= now_at then v_anchor
    else (pgq._last_tick(timing, v_anchor, now_at)).following
  end;
end
$$;

comment on function pgq._first_tick is 'When a schedule is due next, after now.';
