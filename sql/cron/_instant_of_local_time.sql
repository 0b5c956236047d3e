/*
 * The first instant at which the clocks of a zone show at least a local time: of two such instants
 * in autumn the first, and for a time that is skipped in spring the moment of the change.
 */
create or replace function pgq._instant_of_local_time(local_time timestamp, timezone text)
  returns timestamptz
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'  -- where each day has 24 hours
as $$
declare
  -- No zone was ever 16 hours away from UTC.
  v_before constant timestamptz := local_time at time zone 'UTC' - interval '16 hours';
  v_after constant timestamptz := local_time at time zone 'UTC' + interval '16 hours';
  v_change constant timestamptz := pgq._zone_offset_change(v_before, v_after, timezone);
  v_instant constant timestamptz := v_before + (local_time - (v_before at time zone timezone));
begin
  if v_change is null or v_instant < v_change then
    return v_instant;
  end if;
  return greatest(v_after + (local_time - (v_after at time zone timezone)), v_change);
end
$$;

comment on function pgq._instant_of_local_time is
  'The first instant at which the clocks of a zone show at least a local time.';
