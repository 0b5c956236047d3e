/*
 * Up to how_many partition keys that have ready jobs in a queue, by one index probe each: those
 * after after_key up to until_key. If needed it goes on from the first key after the last one. If
 * both are the same key: all of them.
 */
create or replace function pgq._next_tenants(
  queue text,
  after_key text,
  until_key text,
  how_many bigint
)
  returns text[]
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
  set enable_sort = off
as $$
#variable_conflict use_column
declare
  v_tenants text[] := pgq._tenants_of_few(queue, after_key, until_key, how_many);
  v_turns_around boolean := until_key <= after_key;
  v_after text := after_key;
  v_next text;
begin
  if v_tenants is not null then
    return v_tenants;
  end if;
  v_tenants := '{}';
  while cardinality(v_tenants) < how_many loop
    if v_after is null then
      v_next := (
        select partition_key
        from pgq.ready
        where queue = _next_tenants.queue
          and partition_key is not null
        order by partition_key
        limit 1
      );
    else
      v_next := (
        select partition_key
        from pgq.ready
        where queue = _next_tenants.queue
          and partition_key > v_after
        order by partition_key
        limit 1
      );
    end if;
    if v_next is null and v_turns_around then
      v_turns_around := false;
      v_after := null;
      continue;
    end if;
    exit when v_next is null or v_next > until_key and not v_turns_around;
    v_tenants := v_tenants || v_next;
    v_after := v_next;
  end loop;
  return v_tenants;
end
$$;

comment on function pgq._next_tenants is
  'Up to how_many partition keys that have ready jobs in a queue, in turn.';
