/*
 * The answer of _next_tenants, read from the ready jobs themselves; null: there are more than a
 * thousand, or no marks. While dead rows pile up, a probe for the next key must walk over the dead
 * rows of a key. Marks help to skip them only in the order of claims.
 */
create or replace function pgq._tenants_of_few(
  queue text,
  after_key text,
  until_key text,
  how_many bigint
)
  returns text[]
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_keys text[];
begin
  if not exists (select from pgq.ready_marks as mark where mark.queue = _tenants_of_few.queue) then
    return null;
  end if;
  v_keys := array(
    select first.partition_key
    from pgq._ready_ranges(_tenants_of_few.queue) as part
    cross join lateral (
      select lane.partition_key
      from pgq.ready as lane
      where lane.queue = _tenants_of_few.queue
        and (lane.priority, lane.ready_xid, lane.job_id)
          >= (part.priority, part.ready_xid, part.job_id)
        and lane.priority < part.below
        and (lane.priority, lane.ready_xid) <= (part.below - 1, part.last_xid)
      order by lane.priority, lane.ready_xid, lane.job_id
      limit 1001
    ) as first
    limit 1001
  );
  if cardinality(v_keys) > 1000 then
    return null;
  end if;
  return array(
    select key
    from unnest(v_keys) as key
    where case
      when until_key <= after_key then key > after_key or key <= until_key
      else key > after_key and key <= until_key
    end
    group by key
    order by key <= after_key, key
    limit how_many
  );
end
$$;

comment on function pgq._tenants_of_few is
  'The answer of _next_tenants, read from the ready jobs themselves.';
