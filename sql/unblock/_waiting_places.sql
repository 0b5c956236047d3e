/*
 * Where the waiters of a semaphore begin, in the form of a mark: parts of the line, each up to the
 * priority of the next one. A part starts at its first waiter, or at the oldest transaction in
 * progress. The first part has no start; it is for priorities without a place. moved: priorities
 * that may get a place.
 */
create or replace function pgq._waiting_places(
  key text,
  settled xid8,
  moved integer[],
  out priorities bigint[],
  out waiting_xids xid8[],
  out job_ids bigint[],
  out belows bigint[]
)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  with start as materialized (
    select part.priority, part.waiting_xid, part.job_id
    from pgq._waiting_parts(_waiting_places.key, true) as part
    union all
    select other, '0', 0
    from unnest(moved) as other
    where other not in (
      select part.priority from pgq._waiting_parts(_waiting_places.key, true) as part
    )
    limit 100
  ),
  place as (
    select start.priority,
      case
        when start.priority = -2147483648 then '0'
        else least(first.waiting_xid, settled)
      end as waiting_xid,
      case when first.waiting_xid < settled then first.job_id else 0 end as job_id,
      lead(start.priority, 1, 2147483648::bigint) over (order by start.priority) as below
    from start
    left join lateral (
      select lane.waiting_xid, lane.job_id
      from pgq.blocked as lane
      where lane.concurrency_key = _waiting_places.key
        and not lane.has_parents
        and lane.priority = start.priority
        and (lane.waiting_xid, lane.job_id) >= (start.waiting_xid, start.job_id)
      order by lane.waiting_xid, lane.job_id
      limit 1
    ) as first on true
  )
  select array_agg(place.priority order by priority),
    array_agg(place.waiting_xid order by priority),
    array_agg(place.job_id order by priority),
    array_agg(place.below order by priority)
  into priorities, waiting_xids, job_ids, belows
  from place;
end
$$;

comment on function pgq._waiting_places is 'Where the waiters of a semaphore begin, by priority.';
