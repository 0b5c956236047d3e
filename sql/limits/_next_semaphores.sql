/*
 * The next keys of semaphores that are in use or configured, each by one search in three indexes.
 *
 * A key with a mark may have thousands of dead rows, which a search for the key after it would walk
 * over. So it is asked by itself, from its mark on, and the searches end before it.
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
  v_marked text;
  v_next text;
begin
  while cardinality(v_keys) < most loop
    v_marked := (
      select known.key
      from pgq.key_marks as known
      where known.lane = 'slots'
        and known.key > v_key
        and known.server_started_at = pg_postmaster_start_time()
      order by known.lane, known.key, known.id
      limit 1
    );
    v_next := pgq._next_semaphore(v_key, v_marked);
    exit when v_next is null and v_marked is null;
    v_key := coalesce(v_next, v_marked);
    if v_next is not null
      or exists (select from pgq.semaphores where concurrency_key = v_key)
      or exists (select from pgq._semaphore_capacity(array[v_key]))
      or (select jobs > 0 from pgq._slots_taken(v_key))
    then
      v_keys := v_keys || v_key;
    end if;
  end loop;
  return v_keys;
end
$$;

comment on function pgq._next_semaphores is
  'The next keys of semaphores that are in use or configured.';
