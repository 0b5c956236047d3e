/*
 * The next keys of semaphores that are in use or configured, each by one search in three indexes.
 */
create or replace function pgq._next_semaphores(after_key text, most bigint)
  returns text[]
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_keys text[] := '{}';
  v_key text := coalesce(after_key, '');
begin
  while cardinality(v_keys) < most loop
    v_key := least(
      (
        select configured.concurrency_key
        from pgq.semaphores as configured
        where configured.concurrency_key > v_key
        order by configured.concurrency_key
        limit 1
      ),
      (
        select slot.concurrency_key
        from pgq.slots as slot
        where slot.concurrency_key > v_key
        order by slot.concurrency_key, slot.taken_xid
        limit 1
      ),
      (
        select lane.concurrency_key
        from pgq.blocked as lane
        where lane.concurrency_key > v_key
          and not lane.has_parents
        order by lane.concurrency_key, lane.priority, lane.waiting_xid, lane.job_id
        limit 1
      )
    );
    exit when v_key is null;
    v_keys := v_keys || v_key;
  end loop;
  return v_keys;
end
$$;

comment on function pgq._next_semaphores is
  'The next keys of semaphores that are in use or configured.';
