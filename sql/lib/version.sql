/*
 * The version of the installed schema.
 */
create or replace function pgq.version()
  returns text
  language sql
  immutable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  select '0.1.0'
$$;

comment on function pgq.version is 'The version of the installed schema.';
