/*
 * The number of the lowest bit that is set. Exact: powers of two are in double precision. Without
 * settings, so that it is inlined.
 */
create or replace function pgq._lowest_bit(bits bigint)
  returns integer
  language sql
  immutable
as $$
  select (
    pg_catalog.ln((bits & (- bits))::double precision) / pg_catalog.ln(2::double precision)
  )::integer
$$;

comment on function pgq._lowest_bit is 'The number of the lowest bit that is set.';
