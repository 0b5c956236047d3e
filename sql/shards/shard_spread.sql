/*
 * Spread a queue over all shards, or let it be on one again; return whether that is new here. The
 * queue must be empty, because its jobs may be where the new rule does not look for their keys.
 */
create or replace function pgq.shard_spread(queue text, spread boolean default true)
  returns boolean
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_queue constant text collate "default" := shard_spread.queue;
  v_is_spread boolean;
begin
  perform pgq._read_shard();
  if v_queue is null or v_queue = '' then
    raise exception 'queue is empty' using errcode = 'JQ002', hint = 'Name a queue.';
  end if;
  perform pg_advisory_xact_lock(pgq._shard_lock_key());
  v_is_spread := exists (select from pgq.spread_queues as known where known.queue = v_queue);
  if v_is_spread = coalesce(shard_spread.spread, true) then
    return false;
  end if;
  if exists (select from pgq.jobs as job where job.queue = v_queue) then
    raise exception 'the queue % has jobs', v_queue
      using errcode = 'JQ002',
            hint = 'Let them end, or cancel them; then spread it on every shard.';
  end if;
  if v_is_spread then
    delete from pgq.spread_queues as known where known.queue = v_queue;
  else
    insert into pgq.spread_queues (queue) values (v_queue);
  end if;
  perform pgq._audit_call(
    'shard_spread', v_queue, jsonb_build_object('spread', not v_is_spread)
  );
  return true;
end
$$;

comment on function pgq.shard_spread is
  'Spread a queue over all shards, or let it be on one again; it must be empty.';
