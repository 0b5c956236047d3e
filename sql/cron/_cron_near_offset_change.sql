/*
 * When a parsed cron expression is due next after an instant, where the zone changes its offset
 * near that instant or near the answer.
 *
 * A time on the clock is due once, the first time that the clock shows it or a later time. So a
 * time that the clock has shown before the instant is over. If every passing minute counts, minutes
 * that the change repeats are due again, and minutes that it skips are never due.
 */
create or replace function pgq._cron_near_offset_change(
  cron bigint[],
  after timestamptz,
  timezone text
)
  returns timestamptz
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'  -- where each day has 24 hours
as $$
declare
  v_moment constant interval := '1 second';
  v_minute constant interval := '1 minute';
  v_local constant timestamp := after at time zone timezone;
  v_end constant timestamp := v_local + interval '41 years';
  v_from timestamp := date_trunc('minute', v_local) + v_minute;
  v_label timestamp := pgq._cron_local_time(cron, v_from);
  v_change timestamptz;
  v_next timestamptz;
begin
  if cron[7] = 0 then
    v_change := pgq._zone_offset_change(after - interval '25 hours', after, timezone);
    if v_change is not null then
      -- The last minute that the clock showed before the change.
      v_label := date_trunc('minute', (v_change - v_moment) at time zone timezone);
      v_label := pgq._cron_local_time(cron, greatest(v_from, v_label + v_minute));
    end if;
    return pgq._instant_of_local_time(v_label, timezone);
  end if;

  v_change := pgq._zone_offset_change(after, after + interval '25 hours', timezone);
  if v_change is not null and after + (v_label - v_local) >= v_change then
    v_from := v_change at time zone timezone;
    v_label := pgq._cron_local_time(cron, date_trunc('minute', v_from + v_minute - v_moment));
  end if;
  while v_label < v_end loop
    v_next := pgq._instant_of_local_time(v_label, timezone);
    if v_next <= after then
      v_next := v_label at time zone timezone;  -- the second of two
    end if;
    if v_next at time zone timezone = v_label then
      return v_next;
    end if;
    -- Skipped: the clock goes on with what it shows after the change.
    v_from := v_next at time zone timezone;
    v_from := date_trunc('minute', v_from + v_minute - v_moment);
    v_label := pgq._cron_local_time(cron, greatest(v_from, v_label + v_minute));
  end loop;
  return null;
end
$$;

comment on function pgq._cron_near_offset_change is
  'When a parsed cron expression is due next, near a change of the zone''s offset.';
