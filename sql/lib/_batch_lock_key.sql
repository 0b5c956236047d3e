/*
 * The advisory lock of a batch, one of two: join is shared by those who add jobs to it and taken by
 * the one that finishes it; check is taken by the one that looks whether it has finished.
 */
create or replace function pgq._batch_lock_key(batch_id bigint, kind text)
  returns bigint
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select hashtextextended(format('%s %s', kind, batch_id), 'pgq.batches'::regclass::oid::bigint)
$$;

comment on function pgq._batch_lock_key is 'The advisory lock of a batch, one of two.';
