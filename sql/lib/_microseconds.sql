/*
 * How long something took, in microseconds. It is negative if the clock went back. It is a double
 * with a fraction, and its caller rounds the sum. It has no settings, so that it is inlined; each
 * further operator would cost every settle.
 */
create or replace function pgq._microseconds(since timestamptz, until timestamptz)
  returns double precision
  language sql
  immutable
as $$
  select 1000000 * pg_catalog.date_part('epoch', until - since)
$$;

comment on function pgq._microseconds is 'How long something took, in microseconds.';
