/*
 * Lock the best waiters of semaphores that have this room, at most batch_size of them; answer the
 * place of the semaphore in keys for each, and where it stands in the line. It skips waiters that
 * another session is changing.
 *
 * The nested loops keep the order of the waiters, and lock only those that may fit.
 */
create or replace function pgq._lock_waiters(
  keys text[],
  rooms bigint[],
  batch_size bigint,
  out places bigint[],
  out priorities integer[],
  out xids xid8[],
  out ids bigint[]
)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_marked constant boolean := pg_relation_size('pgq.key_marks'::regclass) > 0;
begin
  select array_agg(place), array_agg(priority), array_agg(waiting_xid), array_agg(job_id)
  into places, priorities, xids, ids
  from (
    select semaphore.place, waiter.*
    from unnest(keys, rooms) with ordinality as semaphore (key, room, place)
    cross join lateral (
      select best.*
      from pgq._waiting_parts(semaphore.key, v_marked) as part
      cross join lateral (
        select lane.priority, lane.waiting_xid, lane.job_id
        from pgq.blocked as lane
        where lane.concurrency_key = semaphore.key
          and not lane.has_parents
          and (lane.priority, lane.waiting_xid, lane.job_id)
            >= (part.priority, part.waiting_xid, part.job_id)
          and lane.priority < part.below
        order by lane.priority, lane.waiting_xid, lane.job_id
        limit least(semaphore.room, batch_size)
        for update skip locked
      ) as best
      limit least(semaphore.room, batch_size)
    ) as waiter
    limit batch_size
  ) as locked;
end
$$;

comment on function pgq._lock_waiters is 'Lock the best waiters of semaphores with room.';
