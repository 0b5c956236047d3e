/*
 * How long something took, in microseconds; negative where the clock went back. A double, whose
 * rounding does not count: who sums it rounds. Inlined: no settings; each operator more costs every
 * settle.
 */
create or replace function pgq._microseconds(since timestamptz, until timestamptz)
  returns double precision
  language sql
  immutable
as $$
  select 1000000 * pg_catalog.date_part('epoch', until - since)
$$;

comment on function pgq._microseconds is 'How long something took, in microseconds.';
