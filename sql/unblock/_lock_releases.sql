/*
 * Lock the oldest notes after after_id that no other session handles, in their order. It returns
 * several notes together if they follow each other and can be handled at once: notes of semaphores,
 * or of parents that succeeded.
 */
create or replace function pgq._lock_releases(after_id bigint, batch_size bigint)
  returns table (
    ids bigint[],
    keys text[],
    succeeded bigint[],
    failed bigint,
    batch_id bigint
  )
  language plpgsql
  rows 10
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  return query
  with taken as materialized (
    select id, concurrency_key, parent_id, parent_succeeded, batch_id,
      case when concurrency_key is not null then 1 when parent_succeeded then 2 end as kind
    from pgq.releases
    where id > after_id
    order by id
    limit _lock_releases.batch_size
    for update skip locked
  ),
  run as (
    select *, sum(starts) over (order by id) as number
    from (
      select *, case when kind = lag(kind) over (order by id) then 0 else 1 end as starts
      from taken
    ) as started
  )
  select array_agg(id order by id),
    array_agg(concurrency_key order by id) filter (where concurrency_key is not null),
    array_agg(parent_id order by id) filter (where parent_succeeded),
    min(parent_id) filter (where not parent_succeeded),
    min(batch_id)
  from run
  group by number
  order by number;
end
$$;

comment on function pgq._lock_releases is
  'Lock the oldest notes that no other session handles.';
