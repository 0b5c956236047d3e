/*
 * Delete batches that finished longer ago than any job is kept, oldest first, at most batch_size;
 * answer how many.
 */
create or replace function pgq._prune_batches(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_before constant timestamptz := pgq._add_interval(
    pgq._now(), -pgq._longest_retention()
  );
  v_deleted bigint;
begin
  delete from pgq.batches
  where ctid = any(array(
    select ctid
    from pgq.batches
    where finished_at < v_before
    order by finished_at
    limit batch_size
    for update skip locked
  ));
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;

comment on function pgq._prune_batches is
  'Delete batches that finished longer ago than any job is kept.';
