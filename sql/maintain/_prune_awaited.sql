create or replace function pgq._prune_awaited(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_now constant timestamptz := pgq._now();
  v_jobs bigint;
  v_batches bigint;
begin
  delete from pgq.awaited
  where ctid = any(array(
    select ctid
    from pgq.awaited
    where until_at < v_now
    order by until_at
    limit batch_size
    for update skip locked
  ));
  get diagnostics v_jobs = row_count;

  delete from pgq.awaited_batches
  where ctid = any(array(
    select ctid
    from pgq.awaited_batches
    where until_at < v_now
    order by until_at
    limit batch_size
    for update skip locked
  ));
  get diagnostics v_batches = row_count;
  return v_jobs + v_batches;
end
$$;

comment on function pgq._prune_awaited is
  'Forget jobs and batches that nobody waits for any more; answer how many.';
