/*
 * Take jobs out of the blocked lane before their turn, and write notes about the semaphores that
 * they waited for: if a heavy waiter goes, another one may fit. The caller has locked their rows.
 */
create or replace function pgq._remove_from_blocked(ids bigint[])
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
begin
  if cardinality(ids) = 0 then
    return;
  end if;
  with gone as (
    delete from pgq.blocked
    where job_id = any(ids)
    returning has_parents, concurrency_key
  )
  insert into pgq.releases (concurrency_key)
  select distinct concurrency_key
  from gone
  where not has_parents;
end
$$;

comment on function pgq._remove_from_blocked is
  'Take jobs out of the blocked lane before their turn.';
