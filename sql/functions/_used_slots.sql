/*
 * How many slots of a semaphore are taken. One whose time is over counts until its row is gone.
 */
create or replace function pgq._used_slots(concurrency_key text)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  return (
    select coalesce(sum(weight), 0)
    from pgq.slots
    where concurrency_key = _used_slots.concurrency_key
  );
end
$$;

comment on function pgq._used_slots is 'How many slots of a semaphore are taken.';
