/*
 * The number of the contract between clients and this schema: which functions there are, what they
 * take and what they return. It is increased when something is removed from the contract; clients
 * of the number before still work.
 */
create or replace function pgq._protocol()
  returns integer
  language sql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
  select 2
$$;

comment on function pgq._protocol is
  'The contract between clients and this schema; that of clients may be one less.';
