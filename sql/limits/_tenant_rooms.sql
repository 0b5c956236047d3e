/*
 * How many jobs a claim may take of each of these partition keys: up to its share, none of a paused
 * one, and where each key has its own rate, as many as it has tokens.
 */
create or replace function pgq._tenant_rooms(
  configured pgq.queues,
  partition_keys text[],
  share bigint,
  counted_at timestamptz
)
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_rooms bigint[] := array_fill(share, array[cardinality(partition_keys)]);
begin
  if configured.rate_limit is not null and configured.rate_per_key then
    v_rooms := pgq._whole_tokens_left(configured, partition_keys, counted_at);
  end if;
  -- A table without a page costs nothing.
  if pg_relation_size('pgq.pauses'::regclass) > 0 then
    v_rooms := array(
      select case
        when exists (
          select
          from pgq.pauses as pause
          where pause.kind = 'partition'
            and pause.queue = configured.name
            and pause.name = tenant.key
            and (pause.paused_until is null or pause.paused_until > counted_at)
        )
        then 0
        else tenant.most
      end
      from unnest(partition_keys, v_rooms) with ordinality as tenant (key, most, place)
      order by tenant.place
    );
  end if;
  return v_rooms;
end
$$;

comment on function pgq._tenant_rooms is
  'How many jobs a claim may take of each of these partition keys.';
