/*
 * Of the schedules of a sync, those that are for this shard: the others are another one's, and
 * would fire twice. In a database that is no shard these are all.
 */
create or replace function pgq._schedules_of_shard(schedules jsonb)
  returns jsonb
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_number constant bigint := (select number from pgq.shard);
begin
  if v_number is null then
    return schedules;
  end if;
  return (
    select coalesce(jsonb_agg(item order by place), '[]')
    from jsonb_array_elements(schedules) with ordinality as given (item, place)
    where exists (
      select
      from pgq.shard_slots as known
      where known.slot = pgq._slot_of_key(coalesce(given.item ->> 'queue', 'default'))
        and known.owner = v_number
    )
  );
end
$$;

comment on function pgq._schedules_of_shard is
  'Of the schedules of a sync, those that are for this shard.';
