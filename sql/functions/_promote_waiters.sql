/*
 * Give the free slots of a semaphore to its best waiters, at most batch_size of them.
 *
 * Slots are counted from their rows, under a lock of the key: whoever took or gave slots before has
 * committed. The lock is tried, never waited for. An older snapshot than the lock would miss slots,
 * so a transaction that keeps one promotes nobody.
 *
 * The limit is that of configure_semaphore(), else each waiter's own. A job heavier than the limit
 * runs alone. Nobody overtakes a better waiter who does not fit yet. done: nobody is left who fits
 * or is to be dropped.
 */
create or replace function pgq._promote_waiters(
  concurrency_key text,
  batch_size bigint,
  now_at timestamptz,
  out moved bigint,
  out done boolean
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
  v_key constant text := _promote_waiters.concurrency_key;
  v_configured bigint;
  v_used bigint;
  v_room bigint;
  v_best jsonb;
  v_taken bigint[];
  v_dropped bigint;
begin
  moved := 0;
  done := false;
  if current_setting('transaction_isolation') in ('repeatable read', 'serializable')
    or not pg_try_advisory_xact_lock(
      hashtextextended(v_key, 'pgq.slots'::regclass::oid::bigint)
    )
  then
    return;
  end if;

  v_configured := (select max_slots from pgq.semaphores where concurrency_key = v_key);
  v_used := pgq._used_slots(v_key);
  v_best := pgq._best_waiter(v_key);
  v_room := coalesce(v_configured, (v_best ->> 'limit')::bigint) - v_used;
  if v_room > 0 then
    v_taken := array(
      select job_id
      from (
        select job_id, bool_and(v_used + in_all <= max_slots or v_used = 0 and in_all = weight)
          over (order by priority, job_id) as fits
        from (
          select job_id, priority, weight, coalesce(v_configured, max_slots) as max_slots,
            sum(weight) over (order by priority, job_id) as in_all
          from pgq._waiters(v_key, least(batch_size, v_room))
        ) as waiter
      ) as waiter
      where fits
    );
    perform pgq._make_ready(v_taken, now_at);
    moved := cardinality(v_taken);
    v_used := pgq._used_slots(v_key);
    v_best := pgq._best_waiter(v_key);
    v_room := coalesce(v_configured, (v_best ->> 'limit')::bigint) - v_used;
  end if;

  if v_best is null then
    done := true;
  elsif v_room <= 0 or v_used > 0 and v_room < (v_best ->> 'weight')::bigint then
    v_dropped := pgq._discard_waiters(v_key, batch_size - moved, now_at);
    moved := moved + v_dropped;
    -- One of them may have been the best, and another may fit where it did not.
    done := v_dropped = 0 and (
      select true from pgq.blocked
      where concurrency_key = v_key and discard and not has_parents
      limit 1
    ) is null;
  end if;
end
$$;

comment on function pgq._promote_waiters is
  'Give the free slots of a semaphore to its best waiters.';
