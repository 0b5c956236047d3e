/*
 * The advisory lock of the table of slots: who enqueues by it shares the lock until the end of the
 * transaction, and who changes it takes it alone.
 */
create or replace function pgq._shard_lock_key()
  returns bigint
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select hashtextextended('slots', 'pgq.shard_slots'::regclass::oid::bigint)
$$;

comment on function pgq._shard_lock_key is 'The advisory lock of the table of slots.';
