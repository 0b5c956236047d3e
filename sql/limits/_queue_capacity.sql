/*
 * How many of the wanted jobs a claim may now take from a queue with limits; limits by key are not
 * looked at. The caller holds the lock of the limits, so that the counts cannot grow.
 */
create or replace function pgq._queue_capacity(
  configured pgq.queues,
  wanted bigint,
  now_at timestamptz
)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_room bigint := wanted;
begin
  if configured.rate_limit = 0 or configured.max_running = 0 then
    return 0;
  end if;
  if configured.max_running is not null then
    v_room := least(
      v_room,
      configured.max_running - (
        select count(*)
        from pgq.running as claim
        where claim.queue = configured.name
          and claim.limited_xid >= pgq._first_xid('running', configured.name)
      )
    );
  end if;
  if v_room > 0 and configured.rate_limit is not null
    and not coalesce(configured.rate_per_key, false)
  then
    v_room := least(v_room, (pgq._whole_tokens_left(configured, array[''], now_at))[1]);
  end if;
  return greatest(v_room, 0);
end
$$;

comment on function pgq._queue_capacity is
  'How many of the wanted jobs a claim may now take from a queue with limits.';
