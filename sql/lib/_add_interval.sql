/*
 * A moment plus a length of time that a caller passed, which may contain days and months. A day has
 * 24 hours and a month is one of UTC, whatever the session's zone is, where a day may have 23
 * hours. Inlined: no settings. The zone is given as an interval, because an interval needs no
 * lookup.
 */
create or replace function pgq._add_interval(moment timestamptz, length interval)
  returns timestamptz
  language sql
  immutable
as $$
  select (moment at time zone interval '0' + length) at time zone interval '0'
$$;

comment on function pgq._add_interval is
  'A moment plus a length of time; days have 24 hours in every session.';
