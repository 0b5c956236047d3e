/*
 * One of the two advisory locks of a batch. join: sessions that add jobs share it, and the one that
 * finishes the batch takes it alone. check: the session that checks whether the batch has finished
 * takes it.
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
