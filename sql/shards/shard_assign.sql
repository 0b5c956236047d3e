/*
 * Note who takes the jobs of slots from now on; null: nobody, while they move. It waits for the
 * transactions that enqueue by the table of slots, and those that come later wait for it. Return
 * how many slots had another owner.
 *
 * So that a key never has two shards: first let the old owner, and then the others, say that nobody
 * takes the slot; when it has drained, let the new owner be the first to say that it does.
 */
create or replace function pgq.shard_assign(slots bigint[], owner bigint default null)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_changed bigint;
begin
  perform pgq._read_shard();
  perform pgq._check_shard_numbers(slots, 'slots');
  perform pgq._check_shard_numbers(array[shard_assign.owner], 'owner');
  perform pg_advisory_xact_lock(pgq._shard_lock_key());
  update pgq.shard_slots as known
  set owner = shard_assign.owner
  where known.slot = any(slots)
    and known.owner is distinct from shard_assign.owner;
  get diagnostics v_changed = row_count;
  perform pgq._audit_call(
    'shard_assign', coalesce('shard ' || shard_assign.owner, 'nobody'), affected => v_changed
  );
  return v_changed;
end
$$;

comment on function pgq.shard_assign is
  'Note who takes the jobs of slots from now on; null: nobody, while they move.';
