create or replace function pgq._prune_awaited(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_deleted bigint;
begin
  delete from pgq.awaited
  where ctid = any(array(
    select ctid
    from pgq.awaited
    where until_at < pgq._now()
    order by until_at
    limit batch_size
    for update skip locked
  ));
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;

comment on function pgq._prune_awaited is
  'Forget jobs that nobody waits for any more; answer how many.';
