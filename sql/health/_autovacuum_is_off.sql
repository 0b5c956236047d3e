/*
 * Whether storage parameters turn autovacuum off: with off, false, no or 0.
 */
create or replace function pgq._autovacuum_is_off(parameters text[])
  returns boolean
  language sql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select
    from pg_options_to_table(parameters)
    where option_name = 'autovacuum_enabled'
      and not option_value::boolean
  )
$$;

comment on function pgq._autovacuum_is_off is 'Whether storage parameters turn autovacuum off.';
