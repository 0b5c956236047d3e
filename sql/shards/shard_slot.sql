/*
 * The slot of a job. A queue that is not spread has one slot, so its order and limits hold. A job
 * of a spread queue goes by its unique key, concurrency key or partition key, the first that it
 * has: so a key is on one shard. Without any, it may go anywhere: null.
 *
 * Raises if it has both a unique key and a concurrency key, and these are not the same: the job
 * can be on one shard only.
 */
create or replace function pgq.shard_slot(
  queue text default null,
  unique_key text default null,
  concurrency_key text default null,
  partition_key text default null
)
  returns bigint
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_queue constant text collate "default" := coalesce(shard_slot.queue, 'default');
  v_key constant text collate "default" := coalesce(unique_key, concurrency_key, partition_key);
begin
  if not exists (
    select from pgq.spread_queues as spread where spread.queue = v_queue
  ) then
    return pgq._slot_of_key(v_queue);
  end if;
  if unique_key collate "default" <> concurrency_key collate "default" then
    raise exception 'the unique_key and the concurrency_key of a job of a spread queue differ'
      using errcode = 'JQ001',
            hint = 'Each key has its shard: give the job one of them, or the same text twice.';
  end if;
  return pgq._slot_of_key(v_key);
end
$$;

comment on function pgq.shard_slot is
  'The slot of a job: of its queue, or in a spread queue of its key; null: any.';
