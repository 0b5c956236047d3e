/*
 * Give the free slots of semaphores to their best waiters, at most batch_size of them; answer how
 * many moved, which keys must be read again, and how many keys it locked.
 *
 * Slots are counted from their rows, under a lock of the key, so every session that took or gave
 * slots before has committed. The lock is tried and never waited for. A transaction whose snapshot
 * is older than the lock would miss slots, so it promotes nobody.
 *
 * A key is done when no waiter is left that fits or must be dropped. It is read before its waiters
 * move, and again only if some may have moved. After 500 keys it leaves the rest for the next
 * transaction: the server's table of locks is small, and shared by everybody.
 */
create or replace function pgq._promote_waiters(
  keys text[],
  batch_size bigint,
  now_at timestamptz,
  out moved bigint,
  out keys_left text[],
  out locks bigint
)
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_locked text[] := '{}';
  v_open record;
  v_ready bigint[];
  v_full text[];
  v_still_full text[];
  v_dropped record;
begin
  moved := 0;
  if current_setting('transaction_isolation') not in ('repeatable read', 'serializable') then
    v_locked := array(
      select key
      from unnest(keys[1:500]) as key
      where pg_try_advisory_xact_lock(
        hashtextextended(key, 'pgq.slots'::regclass::oid::bigint)
      )
    );
  end if;
  locks := cardinality(v_locked);
  keys_left := '{}';
  if locks < cardinality(keys) then
    keys_left := array(select unnest(keys) except select unnest(v_locked));
  end if;

  select array_agg(concurrency_key) filter (where fits) as keys,
    array_agg(best_waiter) filter (where fits) as best_waiters,
    array_agg(configured) filter (where fits) as configured,
    array_agg(used) filter (where fits) as used,
    array_agg(room) filter (where fits) as rooms,
    array_agg(concurrency_key) filter (where not fits) as full
  into v_open
  from pgq._semaphore_capacity(v_locked);
  v_full := v_open.full;
  if v_open.keys is not null then
    v_ready := pgq._fill_slots(
      v_open.keys, v_open.best_waiters, v_open.configured, v_open.used, v_open.rooms, batch_size,
      now_at
    );
    moved := cardinality(v_ready);
    perform pgq._notify_ready(v_ready);
    if random() * 16 < moved then
      perform pgq._mark_semaphores(v_open.keys, v_ready);
    end if;
    select keys_left || coalesce(array_agg(concurrency_key) filter (where fits), '{}'),
      array_agg(concurrency_key) filter (where not fits)
    into keys_left, v_still_full
    from pgq._semaphore_capacity(v_open.keys);
    v_full := v_full || v_still_full;
  end if;
  if v_full is not null then
    v_dropped := pgq._discard_from(v_full, batch_size - moved, now_at);
    moved := moved + v_dropped.moved;
    keys_left := keys_left || v_dropped.keys_left;
  end if;
end
$$;

comment on function pgq._promote_waiters is
  'Give the free slots of semaphores to their best waiters.';
