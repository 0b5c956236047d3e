/*
 * Give up to batch_size ready jobs of a queue that have no key the key of _tenant_key, best first.
 * Such jobs were ready before the queue became fair, or come from transactions that did not see
 * this. It reads all ready jobs of the queue. Claims do not find such a job until this is done.
 */
create or replace function pgq._set_missing_tenant_keys(queue text, batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_found bigint;
begin
  update pgq.ready
  set partition_key = ''
  where job_id = any(array(
    select job_id
    from pgq.ready
    where queue = _set_missing_tenant_keys.queue
      and partition_key is null
    order by priority, ready_xid, job_id
    limit batch_size
    for update skip locked
  ));
  get diagnostics v_found = row_count;
  return v_found;
end
$$;

comment on function pgq._set_missing_tenant_keys is
  'Give the ready jobs of a queue that have no key the key of _tenant_key.';
