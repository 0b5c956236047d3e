/*
 * A moment and a length of time after it, which a caller gave and which may hold days and months. A
 * day is 24 hours and a month one of UTC, whatever zone the session has, in which a day may have 23
 * hours. Inlined: no settings. The zone is an interval, since that is not looked up.
 */
create or replace function pgq._add_interval(moment timestamptz, length interval)
  returns timestamptz
  language sql
  immutable
as $$
  select (moment at time zone interval '0' + length) at time zone interval '0'
$$;

comment on function pgq._add_interval is
  'A moment and a length of time after it; days have 24 hours in every session.';
