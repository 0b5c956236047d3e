/*
 * Move up to batch_size ready jobs of a queue with limits to running; return their ids.
 *
 * Claims are counted under a lock of the queue's limits. It is tried and never waited for. While
 * another claim holds it, a queue with a limit gives nothing, and a queue that is only fair begins
 * at any key. The time for counting tokens is read under the lock, so that it does not run
 * backwards from one claim to the next.
 */
create or replace function pgq._claim_limited(
  queue text,
  batch_size bigint,
  tasks text[],
  new_claim_id bigint,
  worker_id bigint,
  now_at timestamptz
)
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_is_mine constant boolean := pgq._try_lock_limits(_claim_limited.queue);
  v_locked_at constant timestamptz := pgq._now();
  v_configured pgq.queues;
  v_room bigint := batch_size;
  v_taken bigint[];
begin
  select *
  into v_configured
  from pgq.queues as configured
  where configured.name = _claim_limited.queue;

  if num_nonnulls(v_configured.max_running, v_configured.rate_limit) > 0 then
    if not v_is_mine then
      return '{}';
    end if;
    perform pgq._refuse_old_snapshot(_claim_limited.queue);
    v_room := pgq._queue_capacity(v_configured, batch_size, v_locked_at);
    if v_room = 0 then
      return '{}';
    end if;
  end if;
  if v_configured.fair or v_configured.rate_per_key then
    v_taken := pgq._claim_in_turn(
      v_configured, v_is_mine, v_room, tasks, new_claim_id, worker_id, now_at, v_locked_at
    );
  else
    v_taken := pgq._claim_ready(
      array[_claim_limited.queue], v_room, tasks, new_claim_id, worker_id, now_at,
      nullif(v_configured.max_running is not null, false)
    );
  end if;
  if v_configured.max_running is not null then
    perform pgq._mark_running(_claim_limited.queue, cardinality(v_taken));
  end if;
  if v_configured.rate_limit is not null
    and not coalesce(v_configured.rate_per_key, false)
    and cardinality(v_taken) > 0
  then
    perform pgq._spend_tokens(
      v_configured, array_fill(''::text, array[cardinality(v_taken)]), v_locked_at
    );
  end if;
  return v_taken;
end
$$;

comment on function pgq._claim_limited is
  'Move up to batch_size ready jobs of a queue with limits to running; return their ids.';
