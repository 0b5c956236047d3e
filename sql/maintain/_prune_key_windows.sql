/*
 * Delete windows of unique keys that are over, at most batch_size; answer how many.
 */
create or replace function pgq._prune_key_windows(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_now constant timestamptz := pgq._now();
  v_deleted bigint;
begin
  delete from pgq.key_windows
  where ctid = any(array(
    select ctid
    from pgq.key_windows
    where until_at <= v_now
    order by until_at
    limit batch_size
    for update skip locked
  ));
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;

comment on function pgq._prune_key_windows is 'Delete windows of unique keys that are over.';
