/*
 * Raise if jobs of these slots must not come into this shard, else return its number. Call it in
 * the transaction that enqueues them: until that has ended, no slot leaves the shard. `spread` and
 * `whole` are the queues that the caller takes for spread, and for those of one shard.
 */
create or replace function pgq.shard_check(
  slots bigint[], spread text[] default null, whole text[] default null
)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
as $$
declare
  v_number constant bigint := coalesce((select number from pgq.shard), pgq._read_shard());
begin
  if greatest(cardinality(slots), cardinality(spread), cardinality(whole)) > 1024 then
    perform pgq._check_shard_numbers(slots, 'slots');
    perform pgq._check_count(cardinality(spread collate "default"), 'spread');
    perform pgq._check_count(cardinality(whole collate "default"), 'whole');
  end if;
  perform pg_advisory_xact_lock_shared(pgq._shard_lock_key());
  if exists (
    select
    from unnest(slots) as asked (slot)
    where (select owner from pgq.shard_slots as known where known.slot = asked.slot)
      is distinct from v_number
  ) or exists (
    select from pgq.spread_queues as known where known.queue = any(whole collate "default")
  ) or exists (
    select
    from unnest(spread) as asked (queue)
    where (
        select queue from pgq.spread_queues as known
        where known.queue = asked.queue collate "default"
      ) is null
  ) then
    raise exception 'shard % does not take these jobs', v_number
      using errcode = 'JQ009',
            hint = 'Their slots moved, or are moving: read shard_map() of every shard again.';
  end if;
  return v_number;
end
$$;

comment on function pgq.shard_check is
  'Raise if jobs of these slots must not come into this shard, else return its number.';
