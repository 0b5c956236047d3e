/*
 * When a parsed cron expression is due next after an instant, in a time zone: the answer of
 * cron_next(). The expression is only for the error if it is never due.
 */
create or replace function pgq._cron_after(
  cron bigint[],
  expression text,
  after timestamptz,
  timezone text
)
  returns timestamptz
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_local timestamp;
  v_label timestamp;
begin
  if after not between '1900-01-02 00:00+00' and '9950-01-01 00:00+00' then
    raise exception 'after is out of range'
      using errcode = 'JQ002',
            hint = 'Pass a time in the years 1900 to 9949.';
  end if;
  v_local := after at time zone timezone;
  v_label := pgq._cron_local_time(cron, date_trunc('minute', v_local) + interval '1 minute');
  if v_label is null then
    return pgq._raise_cron_never_due(expression);
  end if;
  if ((after + interval '25 hours') at time zone timezone)
      - ((after - interval '25 hours') at time zone timezone) <> interval '50 hours'
    or ((v_label + interval '16 hours') at time zone 'UTC' at time zone timezone)
      - ((v_label - interval '16 hours') at time zone 'UTC' at time zone timezone)
      <> interval '32 hours'
  then
    return pgq._cron_near_offset_change(cron, after, timezone);
  end if;
  return v_label at time zone timezone;
end
$$;

comment on function pgq._cron_after is
  'When a parsed cron expression is due next after an instant, by the clocks of a zone.';
