/*
 * When a cron expression is due next after an instant (default: now), by the clocks of a zone
 * (default: UTC). Null: never.
 *
 * Five fields: minute, hour, day of month, month, day of week; names, lists, ranges, steps, L (last
 * day of the month), 5L (last Friday), 5#2 (second Friday), and @daily and the like. With both day
 * fields given, either will do; a star at the front of one, steps included, makes both count.
 *
 * In spring a skipped time is due at the moment of the change, in autumn a repeated one only once;
 * with a star at the front of minute or hour, every minute counts as it passes.
 */
create or replace function pgq.cron_next(
  expression text,
  after timestamptz default null,
  timezone text default null
)
  returns timestamptz
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_cron constant bigint[] := pgq._cron_parse(expression);
  v_after constant timestamptz := coalesce(after, pgq._now());
  v_timezone constant text := case
    when timezone is null or timezone = 'UTC' then 'UTC' else pgq._zone_name(timezone) end;
  v_local timestamp;
  v_label timestamp;
begin
  if v_after not between '1900-01-02 00:00+00' and '9950-01-01 00:00+00' then
    raise exception 'after is %', v_after
      using errcode = 'JQ002',
            hint = 'Pass a time in the years 1900 to 9949.';
  end if;
  v_local := v_after at time zone v_timezone;
  v_label := pgq._cron_label(v_cron, date_trunc('minute', v_local) + interval '1 minute');
  if v_label is null then
    return pgq._cron_never(expression);
  end if;
  if ((v_after + interval '25 hours') at time zone v_timezone)
      - ((v_after - interval '25 hours') at time zone v_timezone) <> interval '50 hours'
    or ((v_label + interval '16 hours') at time zone 'UTC' at time zone v_timezone)
      - ((v_label - interval '16 hours') at time zone 'UTC' at time zone v_timezone)
      <> interval '32 hours'
  then
    return pgq._cron_near_change(v_cron, v_after, v_timezone);
  end if;
  return v_label at time zone v_timezone;
end
$$;

comment on function pgq.cron_next is
  'When a cron expression is due next after an instant, by the clocks of a zone.';
