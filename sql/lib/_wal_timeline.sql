/*
 * The timeline that the server writes; every failover begins a new one. It is read from the current
 * WAL position, because the last checkpoint of a promoted standby may be on the old timeline.
 */
create or replace function pgq._wal_timeline()
  returns text
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select left(pg_walfile_name(pg_current_wal_lsn()), 8)
$$;

comment on function pgq._wal_timeline is 'The timeline that the server writes.';
