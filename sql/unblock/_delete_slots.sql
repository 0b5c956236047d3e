/*
 * Delete the slots of jobs that are neither ready nor running any more; return the semaphores. Jobs
 * in these orders keep theirs.
 */
create or replace function pgq._delete_slots(ids bigint[], but_in_order text[] default '{}')
  returns text[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_keys text[];
begin
  if cardinality(ids) > 0 then
    with dropped as (
      delete from pgq.slots
      where job_id = any(ids)
        and (in_order is null or in_order <> all(but_in_order))
      returning concurrency_key
    )
    select array_agg(distinct concurrency_key) into v_keys from dropped;
  end if;
  return coalesce(v_keys, '{}');
end
$$;

comment on function pgq._delete_slots is
  'Delete the slots of jobs that are neither ready nor running any more.';
