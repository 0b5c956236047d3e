/*
 * Give the free slots of semaphores to their best waiters, at most batch_size of them; answer how
 * many moved, which keys must be read again, and how many keys it locked.
 *
 * Slots are counted from their rows, under a lock of the key, so every session that took or gave
 * slots before has committed. The lock is tried and never waited for. A transaction whose snapshot
 * is older than the lock would miss slots, so it promotes nobody.
 *
 * A key is done when no waiter is left that fits or must be dropped. After 500 keys it leaves the
 * rest for the next transaction: the server's table of locks is small, and shared by everybody.
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
  v_wanted text[];
  v_ready bigint[];
  v_full text[];
  v_key text;
  v_dropped bigint;
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
  keys_left := array(select unnest(keys) except select unnest(v_locked));
  v_wanted := array(select concurrency_key from pgq._best_waiters(v_locked));
  if cardinality(v_wanted) = 0 then
    return;
  end if;
  v_ready := pgq._fill_slots(v_wanted, batch_size, now_at);
  perform pgq._notify_ready(v_ready);
  moved := cardinality(v_ready);
  perform pgq._mark_semaphores(v_wanted, v_ready);

  select keys_left || coalesce(array_agg(concurrency_key) filter (where fits), '{}'),
    array_agg(concurrency_key) filter (
      where not fits and (
        select true from pgq.blocked as waiter
        where waiter.concurrency_key = semaphore.concurrency_key
          and waiter.discard and not waiter.has_parents
        limit 1
      )
    )
  into keys_left, v_full
  from pgq._semaphore_capacity(v_wanted) as semaphore
  cross join lateral (
    select room > 0 and (used = 0 or room >= best_weight) as fits offset 0
  ) as best;

  foreach v_key in array coalesce(v_full, '{}') loop
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

comment on function pgq._promote_waiters is
  'Give the free slots of semaphores to their best waiters.';
