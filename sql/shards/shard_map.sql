/*
 * What a shard knows of the fleet, for clients: its number, the owners of the slots from 0 on, and
 * the spread queues. No row: this database is no shard.
 */
create or replace function pgq.shard_map()
  returns table (number bigint, owners bigint[], spread text[])
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  if not exists (select from pgq.shard) then
    return;
  end if;
  return query
  select pgq._read_shard(),
    (select array_agg(slots.owner order by slots.slot) from pgq.shard_slots as slots),
    array(select queue from pgq.spread_queues order by queue);
end
$$;

comment on function pgq.shard_map is
  'This shard''s number, the owners of the slots from 0 on, and the spread queues.';
