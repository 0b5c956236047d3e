/*
 * Who keeps dead rows of this database from being removed, and how to end it, the oldest first. An
 * owner without pg_read_all_stats does not see the sessions of other users. The queries of sessions
 * are not shown, because they may hold data.
 */
create or replace function pgq._snapshot_holders()
  returns table (evidence text, since timestamptz, transactions bigint, cure text)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select format('%s, pid %s, %s', coalesce(nullif(application_name, ''), usename), pid,
      coalesce(state, backend_type)),
    xact_start, greatest(age(backend_xid), age(backend_xmin)),
    format('select pg_terminate_backend(%s);', pid)
  from pg_stat_activity
  where (backend_xid is not null or backend_xmin is not null)
    and pid <> pg_backend_pid()
    and (datname = current_database() or backend_type = 'walsender')
    and backend_type is distinct from 'autovacuum worker'
  union all
  select format('prepared transaction %s of %s', gid, owner), prepared, age(transaction),
    format('rollback prepared %L;', gid)
  from pg_prepared_xacts
  where database = current_database()
  union all
  select format('replication slot %s', slot_name), null, age(xmin),
    format('select pg_drop_replication_slot(%L);', slot_name)
  from pg_replication_slots
  where xmin is not null
  order by 2 nulls last, 3 desc
$$;

comment on function pgq._snapshot_holders is
  'Who keeps dead rows from being removed, and how to end it.';
