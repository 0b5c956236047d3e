/*
 * Delete up to batch_size rows of the audit that are older than 90 days, the oldest first; return
 * how many.
 */
create or replace function pgq._prune_audit(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_before constant timestamptz := pgq._now() - interval '2160 hours';
  v_deleted bigint;
begin
  delete from pgq.audit
  where id = any(array(
    select old.id
    from pgq.audit as old
    where old.at < v_before
    order by old.at
    limit batch_size
    for update skip locked
  ));
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;

comment on function pgq._prune_audit is
  'Delete rows of the audit that are older than 90 days; answers how many.';
