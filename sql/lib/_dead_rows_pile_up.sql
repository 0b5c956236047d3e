/*
 * Whether a table holds at least this many deleted rows, as it does while some session holds an old
 * snapshot. It reads the statistics, which are some seconds old.
 */
create or replace function pgq._dead_rows_pile_up(relation regclass, at_least bigint default 1000)
  returns boolean
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return pg_stat_get_dead_tuples(relation) >= at_least;
end
$$;

comment on function pgq._dead_rows_pile_up is
  'Whether a table holds at least this many deleted rows.';
