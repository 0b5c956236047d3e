/*
 * Take the slots of jobs that are neither ready nor running any more, and note their semaphores for
 * promotion. Answers whether there were any.
 */
create or replace function pgq._give_slots_back(ids bigint[])
  returns boolean
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
begin
  if (select true from pgq.slots limit 1) is null then
    return false;
  end if;
  with given as (
    delete from pgq.slots
    where job_id = any(ids)
    returning concurrency_key
  )
  insert into pgq.releases (concurrency_key)
  select distinct concurrency_key
  from given;
  return found;
end
$$;

comment on function pgq._give_slots_back is
  'Take the slots of jobs that are neither ready nor running any more.';
