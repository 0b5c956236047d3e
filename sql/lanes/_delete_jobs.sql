/*
 * Delete live jobs that the caller has taken out of their lanes; answer the batches of them.
 */
create or replace function pgq._delete_jobs(ids bigint[])
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_batches bigint[];
begin
  with gone as (
    delete from pgq.jobs
    where id = any(ids)
    returning batch_id
  )
  select array_agg(batch_id) filter (where batch_id is not null) into v_batches from gone;
  return v_batches;
end
$$;

comment on function pgq._delete_jobs is
  'Delete live jobs that are in no lane any more; answers the batches of them.';
