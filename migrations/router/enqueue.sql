/*
 * The slot and the shard of a job; where it has neither queue nor key nor parents that say so, the
 * shard is null, and `any_shard` true. Raises where it would have to be on several.
 */
create or replace function pgq._route(
  fleet pgq.fleet,
  queue text,
  unique_key text,
  concurrency_key text,
  partition_key text,
  ids bigint[],
  out slot bigint,
  out shard bigint,
  out is_spread boolean,
  out any_shard boolean
)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_queue constant text collate "default" := coalesce(_route.queue, 'default');
  v_homes bigint[] := array(
    select distinct ((id % 1024) + 1024) % 1024 from unnest(ids) as id where id is not null
  );
begin
  is_spread := v_queue = any(fleet.spread);
  if is_spread and unique_key collate "default" <> concurrency_key collate "default" then
    raise exception 'the unique_key and the concurrency_key of a job of a spread queue differ'
      using errcode = 'JQ001',
            hint = 'Each key has its shard: give the job one of them, or the same text twice.';
  end if;
  slot := pgq._slot_of_key(
    case when is_spread
      then coalesce(unique_key, concurrency_key, partition_key) collate "default"
      else v_queue
    end
  );
  shard := fleet.owners[slot + 1];
  any_shard := slot is null and v_homes = '{}';
  if slot is null then
    shard := v_homes[1];
  elsif shard is not null and v_homes <> '{}' and shard <> v_homes[1] then
    v_homes := v_homes || shard;
  end if;
  if cardinality(v_homes) > 1 then
    raise exception 'what the job belongs to is on several shards: %',
      array_to_string(array(select each from unnest(v_homes) as each order by each), ', ')
      using errcode = 'JQ001',
            hint = 'Its queue or key, its parents and its batch must be on one shard.';
  end if;
end
$$;

comment on function pgq._route is 'The slot and the shard of a job.';

/*
 * Raise that slots moved, or are moving.
 */
create or replace function pgq._raise_moved(what text)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception '%', what
    using errcode = 'JQ009',
          hint = 'Slots are moving: try again later. Or a shard is new: run pgq router sql again,'
            ' with all shards.';
end
$$;

comment on function pgq._raise_moved is 'Raise that slots moved, or are moving.';

/*
 * The shard for a job that may be on any: one of those that take slots, at random.
 */
create or replace function pgq._any_shard(fleet pgq.fleet)
  returns bigint
  language sql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
  select owner from unnest(fleet.owners) as owner where owner is not null order by random() limit 1
$$;

comment on function pgq._any_shard is 'One of the shards that take slots, at random.';

/*
 * What enqueue does once its args are text. If a slot moved since the router was made, it asks all
 * shards, once, who takes it now.
 */
create or replace function pgq._enqueue(CORE_ARGUMENTS)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_fleet pgq.fleet;
  v_home record;
  v_state text;
  v_message text;
  v_detail text;
  v_hint text;
begin
  select * into v_fleet from pgq.fleet;
  for v_round in 1..2 loop
    v_home := pgq._route(
      v_fleet, _enqueue.queue, _enqueue.unique_key, _enqueue.concurrency_key,
      _enqueue.partition_key, _enqueue.depends_on || _enqueue.batch_id
    );
    if v_home.is_spread and _enqueue.unique_by is not null then
      raise exception 'a job of a spread queue has a unique_by'
        using errcode = 'JQ001',
              hint = 'Its shard would make the key: pass it as unique_key, so that it says the'
                ' shard.';
    end if;
    if v_home.any_shard then
      v_home.shard := pgq._any_shard(v_fleet);
    end if;
    v_message := format('slot %s moves from a shard to another one', v_home.slot);
    if pgq._is_known(v_home.shard) or v_home.slot is null then
      begin
        return pgq._enqueue_at(
          pgq._part_of(v_home.shard), array_remove(array[v_home.slot], null),
          case when v_home.is_spread then array[coalesce(_enqueue.queue, 'default')] end,
          case when not v_home.is_spread then array[coalesce(_enqueue.queue, 'default')] end,
          CORE_NAMES
        );
      exception
        when others then
          get stacked diagnostics
            v_state = returned_sqlstate, v_message = message_text, v_detail = pg_exception_detail,
            v_hint = pg_exception_hint;
          if v_state <> 'JQ009' then
            perform pgq._raise_of_shard(v_home.shard, v_state, v_message, v_detail, v_hint);
          end if;
          v_message := format('shard %s does not take this job', v_home.shard);
      end;
    end if;
    if v_round = 1 then
      v_fleet := pgq._ask_fleet();
    end if;
  end loop;
  perform pgq._raise_moved(v_message);
end
$$;

comment on function pgq._enqueue is 'What enqueue does once its args are text.';

create or replace function pgq.enqueue(FACE_ARGUMENTS)
  returns bigint
  language sql
as $$
  select pgq._enqueue(FACE_NAMES)
$$;

comment on function pgq.enqueue is
  'Add a job to a queue, on its shard, at once and not in the caller''s transaction; its id.';
