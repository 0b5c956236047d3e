/*
 * The contract between clients and this schema: which functions there are, what they take and
 * answer. Raised when something of it goes away; clients of the number before go on working.
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
