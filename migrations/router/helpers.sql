/*
 * Raise what a shard said, as if it had been said here; 08006 where it does not answer.
 */
create or replace function pgq._raise_of_shard(
  shard bigint, state text, message text, detail text, hint text
)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_said constant text := pgq._said(_raise_of_shard.message);
begin
  if pgq._is_down(state, _raise_of_shard.message) then
    raise exception 'shard % does not answer: %', shard, v_said
      using errcode = '08006',
            hint = 'If the connection broke meanwhile, the call may have been carried out.'
              || ' Other shards go on. ' || _raise_of_shard.hint;
  end if;
  raise exception '%', v_said
    using errcode = state,
          detail = regexp_replace(_raise_of_shard.detail, '^Remote detail: ', ''),
          hint = regexp_replace(_raise_of_shard.hint, '^Remote hint: ', '');
end
$$;

comment on function pgq._raise_of_shard is 'Raise what a shard said, as if it had been said here.';

/*
 * What a shard, or PL/Proxy, said: a message without the name of the function that asked.
 */
create or replace function pgq._said(message text)
  returns text
  language sql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
  select rtrim(
    regexp_replace(
      message, '^(PL/Proxy function )?[^(]*_at\(\d+\): (\[[^]]*\] )?(REMOTE [A-Z]+: )?', ''
    ),
    E'\n'
  )
$$;

comment on function pgq._said is 'What a shard, or PL/Proxy, said.';

/*
 * Whether an error says that a shard does not answer: PL/Proxy has no SQLSTATE of its own for that.
 */
create or replace function pgq._is_down(state text, message text)
  returns boolean
  language sql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
  select state in ('57P01', '57P02', '57P03')
    or state in ('XX000', '08000') and message !~ 'REMOTE [A-Z]+: '
$$;

comment on function pgq._is_down is 'Whether an error says that a shard does not answer.';

/*
 * The place of a shard in the cluster; raises where this router does not know it.
 */
create or replace function pgq._part_of(shard bigint)
  returns integer
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_part constant integer := (select part from pgq.shard_parts where number = shard);
begin
  if v_part is null then
    raise exception 'this router does not know shard %', shard
      using errcode = 'JQ002',
            hint = 'If it is new, run pgq router sql again, with all shards.';
  end if;
  return v_part;
end
$$;

comment on function pgq._part_of is 'The place of a shard in the cluster.';

/*
 * Whether this router can reach a shard; false for null.
 */
create or replace function pgq._is_known(shard bigint)
  returns boolean
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select exists (select from pgq.shard_parts where number = shard)
$$;

comment on function pgq._is_known is 'Whether this router can reach a shard.';

/*
 * Divide ids among the shards that made them; each goes with the others of its shard.
 */
create or replace function pgq._homes(ids bigint[])
  returns table (shard bigint, part integer, own bigint[])
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  if cardinality(_homes.ids) is null or cardinality(_homes.ids) = 0 then
    return;
  end if;
  return query
  select home, pgq._part_of(home), array_agg(given.id order by given.place)
  from unnest(_homes.ids) with ordinality as given (id, place)
  cross join lateral (
    select coalesce(((given.id % 1024) + 1024) % 1024, (select min(number) from pgq.shard_parts))
  ) as found (home)
  group by home
  order by home;
end
$$;

comment on function pgq._homes is 'Divide ids among the shards that made them.';

/*
 * Ask all shards who takes which slot now. What a shard says of itself counts; what it says of
 * others, only where these do not answer.
 */
create or replace function pgq._ask_fleet()
  returns pgq.fleet
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_shard record;
  v_said record;
  v_maps jsonb := '{}';
  v_spread text[] := '{}';
  v_message text;
  v_fleet pgq.fleet;
begin
  for v_shard in select * from pgq.shard_parts order by number loop
    begin
      for v_said in select * from pgq._shard_map_at(v_shard.part) loop
        v_maps := v_maps || jsonb_build_object(v_said.number, v_said.owners);
        v_spread := v_spread || v_said.spread;
      end loop;
    exception
      when others then
        v_message := sqlerrm;
        if not pgq._is_down(sqlstate, sqlerrm) then
          raise;
        end if;
    end;
  end loop;
  if v_maps = '{}' then
    perform pgq._raise_of_shard(v_shard.number, 'XX000', v_message, '', '');
  end if;
  v_fleet.spread := array(select distinct queue from unnest(v_spread) as queue order by queue);
  v_fleet.owners := array(
    select coalesce(
      min(number::bigint) filter (where told = number::bigint),
      case when count(distinct told) filter (where not v_maps ? told::text) = 1
        then min(told) filter (where not v_maps ? told::text)
      end
    )
    from jsonb_each(v_maps) as said (number, owners)
    cross join lateral jsonb_array_elements_text(owners) with ordinality as each (owner, place)
    cross join lateral (select owner::bigint) as owned (told)
    group by place
    order by place
  );
  return v_fleet;
end
$$;

comment on function pgq._ask_fleet is 'Ask all shards who takes which slot now.';

/*
 * Store here who takes which slot, after slots moved; return how many had another owner. Until then
 * calls into those slots find their shard too, but ask all shards first.
 */
create or replace function pgq.refresh_shards()
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant pgq.fleet := pgq._ask_fleet();
  v_before pgq.fleet;
begin
  select * into v_before from pgq.fleet for update;
  update pgq.fleet set owners = v_now.owners, spread = v_now.spread;
  return (
    select count(*)
    from unnest(v_before.owners, v_now.owners) as owner (before, after)
    where owner.before is distinct from owner.after
  );
end
$$;

comment on function pgq.refresh_shards is 'Store here who takes which slot, after slots moved.';
