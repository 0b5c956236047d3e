/*
 * For each job of a call the place of the first of those that it is tied to by references.
 */
create or replace function pgq._together(jobs jsonb)
  returns bigint[]
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_first bigint[] := array(select generate_series(1, jsonb_array_length(jobs)));
  v_edge record;
  v_one bigint;
  v_other bigint;
begin
  if not jobs @? '$[*].depends_on[*] ? (@.type() == "string")' then
    return v_first;
  end if;
  for v_edge in
    with given as (
      select job, place from jsonb_array_elements(jobs) with ordinality as given (job, place)
    )
    select child.place as child, parent.place as parent
    from given as child
    cross join lateral jsonb_array_elements(
      case when jsonb_typeof(child.job -> 'depends_on') = 'array' then child.job -> 'depends_on'
        else '[]' end
    ) as named (ref)
    join given as parent on parent.job -> 'ref' = named.ref
    where jsonb_typeof(named.ref) = 'string'
  loop
    v_one := v_edge.child;
    while v_first[v_one] <> v_one loop
      v_first[v_one] := v_first[v_first[v_one]];
      v_one := v_first[v_one];
    end loop;
    v_other := v_edge.parent;
    while v_first[v_other] <> v_other loop
      v_first[v_other] := v_first[v_first[v_other]];
      v_other := v_first[v_other];
    end loop;
    v_first[greatest(v_one, v_other)] := least(v_one, v_other);
  end loop;
  for v_place in 1..cardinality(v_first) loop
    v_first[v_place] := v_first[v_first[v_place]];
  end loop;
  return v_first;
end
$$;

comment on function pgq._together is
  'For each job of a call the place of the first of those that it is tied to by references.';

/*
 * The ids that a job names in JSON: its parents and its batch.
 */
create or replace function pgq._ids_of(job jsonb)
  returns bigint[]
  language sql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
  select array(
    select id::text::bigint
    from (
      select parent
      from jsonb_array_elements(
        case when jsonb_typeof(job -> 'depends_on') = 'array' then job -> 'depends_on'
          else '[]' end
      ) as parent
      union all
      select job -> 'batch_id'
    ) as named (id)
    where jsonb_typeof(id) = 'number' and id::text ~ '^[0-9]{1,18}$'
  )
$$;

comment on function pgq._ids_of is 'The ids that a job names in JSON: its parents and its batch.';

/*
 * Where the jobs at these places of a call go, each by itself: `leader` is the first job of those
 * that it must be with. shard is null where that is all the same, or where the slot moves.
 */
create or replace function pgq._routes(jobs jsonb, places bigint[], fleet pgq.fleet)
  returns table (
    place bigint, leader bigint, slot bigint, queue text, is_spread boolean, shard bigint,
    any_shard boolean
  )
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_together constant bigint[] := pgq._together(jobs);
  v_job record;
begin
  for v_job in
    with given as materialized (
      select given.place, given.job, coalesce(given.job ->> 'queue', 'default') as queue,
        given.job ->> 'unique_key' as unique_key, given.job ->> 'concurrency_key' as semaphore
      from jsonb_array_elements(jobs) with ordinality as given (job, place)
      where given.place = any(places)
    ), keyed as materialized (
      select given.*, queue = any(fleet.spread) as is_spread,
        case
          when queue = any(fleet.spread)
          then coalesce(unique_key, semaphore, job ->> 'partition_key')
          else queue
        end as key
      from given
    ), slots as materialized (
      select key, pgq._slot_of_key(key) as slot
      from (select distinct key from keyed where key is not null) as known
    )
    select keyed.place, keyed.queue, keyed.is_spread, slots.slot, owned.owner,
      keyed.is_spread and keyed.unique_key <> keyed.semaphore as differs,
      keyed.is_spread and keyed.job ->> 'unique_by' is not null as is_by_args,
      case
        when keyed.job ?| '{depends_on,batch_id}'
        then array(select distinct id % 1024 from unnest(pgq._ids_of(keyed.job)) as id)
        else '{}'
      end as homes
    from keyed
    left join slots on slots.key = keyed.key
    left join unnest(fleet.owners) with ordinality as owned (owner, number)
      on owned.number = slots.slot + 1
    order by keyed.place
  loop
    if v_job.is_by_args then
      raise exception 'job %: a job of a spread queue has a unique_by', v_job.place
        using errcode = 'JQ001',
              hint = 'Its shard would make the key: pass it as unique_key, so that it says the'
                ' shard.';
    end if;
    if v_job.differs or cardinality(v_job.homes) > 1 then
      raise exception 'job %: %', v_job.place, case
          when v_job.differs
          then 'the unique_key and the concurrency_key of a job of a spread queue differ'
          else 'what it belongs to is on several shards: ' || array_to_string(v_job.homes, ', ')
        end
        using errcode = 'JQ001',
              hint = 'Its queue or key, its parents and its batch must be on one shard, and its'
                ' unique_key and concurrency_key the same text.';
    end if;
    place := v_job.place;
    leader := v_together[v_job.place];
    slot := v_job.slot;
    queue := v_job.queue;
    is_spread := v_job.is_spread;
    any_shard := v_job.slot is null and v_job.homes = '{}';
    shard := case when v_job.slot is null then v_job.homes[1] else v_job.owner end;
    return next;
    if v_job.slot is not null and v_job.homes <> '{}' then
      -- Its parents or its batch say so, too: _parts() sees whether both are the same.
      slot := null;
      shard := v_job.homes[1];
      queue := null;
      return next;
    end if;
  end loop;
end
$$;

comment on function pgq._routes is 'Where the jobs at these places of a call go, each by itself.';

/*
 * The jobs at these places of a call by their shards. Jobs that depend on each other go together,
 * and those that may go anywhere to all shards in turn. shard is null while a slot moves. Raises
 * where jobs that depend on each other would be on several shards.
 */
create or replace function pgq._parts(jobs jsonb, places bigint[], fleet pgq.fleet)
  returns setof pgq.part
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_takers constant bigint[] := array(
    select distinct owner from unnest(fleet.owners) as owner where owner is not null
  );
  v_start constant bigint := floor(random() * 1024);
  v_part record;
begin
  for v_part in
    with route as materialized (
      select * from pgq._routes(jobs, _parts.places, fleet)
    ), home as (
      select leader, min(shard) as shard, bool_or(shard is null and not any_shard) as moves,
        bool_and(any_shard) as any_shard,
        string_agg(distinct shard::text, ', ') as told, min(shard) <> max(shard) as torn
      from route
      group by leader
    ), chosen as (
      select leader, torn, told,
        case
          when any_shard then v_takers[
            1 + (v_start + row_number() over (partition by any_shard order by leader))
              % cardinality(v_takers)
          ]
          when not moves then shard
        end as shard
      from home
    )
    select chosen.shard, array_agg(place order by place) filter (where queue is not null) as places,
      jsonb_agg(jobs -> (place - 1)::integer order by place) filter (where queue is not null) as own,
      coalesce(array_agg(distinct slot) filter (where slot is not null), '{}') as slots,
      array_agg(distinct queue) filter (where is_spread and queue is not null) as spread,
      array_agg(distinct queue) filter (where not is_spread and queue is not null) as whole,
      min(leader) filter (where torn) as torn, min(told) filter (where torn) as told
    from route
    join chosen using (leader)
    group by chosen.shard
    order by chosen.shard
  loop
    if v_part.torn is not null then
      raise exception 'job %: what it belongs to is on several shards: %', v_part.torn, v_part.told
        using errcode = 'JQ001',
              hint = 'Jobs that depend on each other, their queues, keys and batches must be on'
                ' one shard.';
    end if;
    return next row(
      v_part.shard, v_part.places, v_part.own, v_part.slots, v_part.spread, v_part.whole
    )::pgq.part;
  end loop;
end
$$;

comment on function pgq._parts is 'The jobs at these places of a call by their shards.';

/*
 * Raise for the first job of a call that no shard would take, before any shard gets its part. What
 * a shard alone knows (limits, parents, batches, largest sizes) it checks itself.
 */
create or replace function pgq._check_before(jobs jsonb)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_jobs jsonb;
  v_found record;
begin
  v_jobs := (
    select jsonb_agg(job - '{ref,depends_on,on_parent_failure}'::text[] order by place)
    from jsonb_array_elements(jobs) with ordinality as given (job, place)
  );
  select place, task, problem
  into v_found
  from (
    select row_number() over () as place, job.task,
      pgq._job_problem(job, null, 1073741824) as problem
    from pgq._job_rows(v_jobs) as job
  ) as checked
  where problem is not null
  order by place
  limit 1;
  if found then
    perform pgq._raise_invalid_job(
      v_found.problem, format('job %s: ', v_found.place), v_found.task
    );
  end if;
exception
  when data_exception then
    perform pgq._raise_wrong_type(v_jobs, sqlerrm);
end
$$;

comment on function pgq._check_before is
  'Raise for the first job of a call that no shard would take, before any gets its part.';

/*
 * What enqueue_many does once the jobs are jsonb. Each shard stores its part, all or none of it,
 * one after the other. If a slot moved since the router was made, it asks all shards, once.
 */
create or replace function pgq._enqueue_many(jobs jsonb)
  returns table (id bigint, created boolean)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_fleet pgq.fleet;
  v_left bigint[];
  v_moved bigint[];
  v_places bigint[] := '{}';
  v_ids bigint[] := '{}';
  v_created boolean[] := '{}';
  v_parts pgq.part[];
  v_part pgq.part;
  v_made record;
begin
  perform pgq._check_job_shapes(jobs);
  perform pgq._check_before(jobs);
  v_left := array(select generate_series(1, jsonb_array_length(jobs)));
  select * into v_fleet from pgq.fleet;
  for v_round in 1..2 loop
    v_parts := array(select part from pgq._parts(jobs, v_left, v_fleet) as part);
    v_moved := pgq._places_that_moved(v_parts);
    if v_moved = '{}' then
      foreach v_part in array v_parts loop
        v_made := pgq._enqueue_part(v_part, cardinality(v_places));
        if v_made.ids is null then
          v_moved := v_moved || v_part.places;
        else
          v_places := v_places || v_part.places;
          v_ids := v_ids || v_made.ids;
          v_created := v_created || v_made.created;
        end if;
      end loop;
      v_left := v_moved;
    end if;
    exit when v_left = '{}';
    v_fleet := pgq._ask_fleet();
  end loop;
  if v_left <> '{}' then
    perform pgq._raise_moved(format(
      'slots move: job %s has no shard just now, and %s of %s jobs were added',
      v_moved[1], cardinality(v_places), jsonb_array_length(jobs)
    ));
  end if;
  return query
  select made.id, made.created
  from unnest(v_places, v_ids, v_created) as made (place, id, created)
  order by made.place;
end
$$;

comment on function pgq._enqueue_many is 'What enqueue_many does once the jobs are jsonb.';

/*
 * Of the parts of a call that several shards get, those places whose shard does not take them any
 * more. Raises where a shard does not answer. So neither is found out when others have theirs.
 */
create or replace function pgq._places_that_moved(parts pgq.part[])
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_part pgq.part;
  v_moved bigint[] := '{}';
begin
  if cardinality(parts) < 2 then
    return v_moved;
  end if;
  foreach v_part in array parts loop
    begin
      if pgq._is_known(v_part.shard) then
        perform pgq._shard_check_at(
          pgq._part_of(v_part.shard), v_part.slots, v_part.spread, v_part.whole
        );
      else
        v_moved := v_moved || v_part.places;
      end if;
    exception
      when sqlstate 'JQ009' then
        v_moved := v_moved || v_part.places;
      when others then
        perform pgq._raise_of_shard(v_part.shard, sqlstate, sqlerrm, '', '');
    end;
  end loop;
  return v_moved;
end
$$;

comment on function pgq._places_that_moved is
  'Of the parts of a call, those places whose shard does not take them any more.';

/*
 * Let a shard store its part of a call; ids is null where it does not take it any more.
 */
create or replace function pgq._enqueue_part(
  part pgq.part, added bigint, out ids bigint[], out created boolean[]
)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_state text;
  v_message text;
  v_detail text;
  v_hint text;
  v_place text;
begin
  if not pgq._is_known(part.shard) then
    return;
  end if;
  select array_agg(made.id), array_agg(made.created)
  into ids, created
  from pgq._enqueue_many_at(
    pgq._part_of(part.shard), part.slots, part.spread, part.whole, part.own::text
  ) as made;
exception
  when others then
    get stacked diagnostics
      v_state = returned_sqlstate, v_message = message_text, v_detail = pg_exception_detail,
      v_hint = pg_exception_hint;
    if v_state = 'JQ009' then
      return;
    end if;
    v_message := pgq._said(v_message);
    v_place := substring(v_message from '^job (\d+):');
    if v_place is not null then
      v_message := format('job %s:', part.places[v_place::bigint])
        || substr(v_message, length(v_place) + 6);
    end if;
    perform pgq._raise_of_shard(
      part.shard, v_state, v_message, v_detail,
      concat_ws(' ', v_hint, case when added > 0 then format(
        '%s jobs of this call are on other shards already.', added
      ) end)
    );
end
$$;

comment on function pgq._enqueue_part is 'Let a shard store its part of a call.';

create or replace function pgq.enqueue_many(jobs anycompatible)
  returns table (id bigint, created boolean)
  language plpgsql
as $$
#variable_conflict use_column
begin
  return query
  select made.id, made.created
  from pgq._enqueue_many(pgq._to_json(enqueue_many.jobs, 'jobs')) as made;
end
$$;

comment on function pgq.enqueue_many is
  'Add jobs, each to its shard, which takes its part whole or not at all; answers in order.';
