/*
 * Take their unique_key from jobs that were just claimed and had it only while they waited.
 */
create or replace function pgq._free_queued_keys(ids bigint[])
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_freed bigint[];
begin
  with freed as (
    delete from pgq.queued_keys
    where job_id = any(ids)
    returning job_id
  )
  select array_agg(job_id order by job_id) into v_freed from freed;

  update pgq.jobs
  set unique_key = null
  where id = any(v_freed);
end
$$;

comment on function pgq._free_queued_keys is
  'Take their unique_key from jobs that were claimed and had it only while they waited.';
