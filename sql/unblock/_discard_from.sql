/*
 * Discard waiters of full semaphores that do not want to wait, at most batch_size of them; answer
 * how many, and which keys must be read again.
 */
create or replace function pgq._discard_from(
  keys text[],
  batch_size bigint,
  now_at timestamptz,
  out moved bigint,
  out keys_left text[]
)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_key text;
  v_dropped bigint;
begin
  moved := 0;
  keys_left := '{}';
  for v_key in
    select waiting.key
    from unnest(keys) as waiting (key)
    cross join lateral (
      select from pgq.blocked
      where concurrency_key = waiting.key and discard and not has_parents
      limit 1
    ) as dropped
  loop
    v_dropped := pgq._discard_waiters(v_key, batch_size - moved, now_at);
    moved := moved + v_dropped;
    -- One of them may have been the best waiter; without it, another one may fit.
    if v_dropped > 0 or (
      select true from pgq.blocked
      where concurrency_key = v_key and discard and not has_parents
      limit 1
    ) then
      keys_left := keys_left || v_key;
    end if;
  end loop;
end
$$;

comment on function pgq._discard_from is 'Discard waiters of full semaphores that do not wait.';
