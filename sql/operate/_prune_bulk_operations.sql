create or replace function pgq._prune_bulk_operations(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_gone bigint;
begin
  delete from pgq.bulk_operations
  where id = any(array(
    select id
    from pgq.bulk_operations
    where ended_at < pgq._now() - interval '720 hours'
    order by ended_at
    limit batch_size
    for update skip locked
  ));
  get diagnostics v_gone = row_count;
  return v_gone;
end
$$;

comment on function pgq._prune_bulk_operations is
  'Delete bulk operations that ended over thirty days ago; answers how many.';
