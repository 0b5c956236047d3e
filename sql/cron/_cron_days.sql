/*
 * The days of a month that fit a parsed cron expression, as bits: bit 0 is the first day.
 *
 * Weekdays come as bits from Sunday on; turned, they begin with the weekday of the first day.
 */
create or replace function pgq._cron_days(cron bigint[], first_day date)
  returns bigint
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_every_week constant bigint := 270549121;  -- bits 0, 7, 14, 21 and 28
  v_length constant integer := (first_day + interval '1 month')::date - first_day;
  v_turn constant integer := (first_day - date '1899-12-31') % 7;  -- from a Sunday
  v_early constant bigint := ((1::bigint << (7 - v_turn)) - 1) * v_every_week;
  v_late constant bigint := 127 * v_every_week - v_early;
  v_by_weekday bigint := ((cron[5] >> v_turn) & v_early) | ((cron[5] << (7 - v_turn)) & v_late);
  v_by_date constant bigint := (cron[3] >> 1) | ((cron[3] & 1) << (v_length - 1));
  v_last bigint;
begin
  if cron[5] >> 35 <> 0 then
    v_last := (cron[5] >> 35) * v_every_week;
    v_last := ((v_last >> v_turn) & v_early) | ((v_last << (7 - v_turn)) & v_late);
    v_by_weekday := v_by_weekday | (v_last & (127::bigint << (v_length - 7)));
  end if;
  return ((1::bigint << v_length) - 1) & case cron[6]
    when 1 then v_by_date | v_by_weekday
    else v_by_date & v_by_weekday
  end;
end
$$;

comment on function pgq._cron_days is 'The days of a month that fit a parsed cron expression.';
