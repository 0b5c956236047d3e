/*
 * The timeline that the server writes: every failover begins a new one. Taken from where it writes
 * just now, since the last checkpoint of a promoted standby may be of the old one.
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
