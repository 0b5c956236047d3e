/*
 * Whether the ready lane is so long that it pays to look for jobs that nobody takes. It reads the
 * statistics, which are some seconds old.
 */
create or replace function pgq._many_are_ready()
  returns boolean
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return pg_stat_get_live_tuples('pgq.ready'::regclass) >= 1000;
end
$$;

comment on function pgq._many_are_ready is 'Whether the ready lane is long.';
