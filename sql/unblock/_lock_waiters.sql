/*
 * Lock the best waiters of semaphores with free slots: as many as there are free slots, at most
 * batch_size in all. It skips waiters that another session is changing.
 */
create or replace function pgq._lock_waiters(keys text[], batch_size bigint)
  returns table (
    concurrency_key text,
    configured bigint,
    used bigint,
    priority integer,
    waiting_xid xid8,
    job_id bigint
  )
  language plpgsql
  rows 10
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select semaphore.concurrency_key, semaphore.configured, semaphore.used,
    waiter.priority, waiter.waiting_xid, waiter.job_id
  from pgq._semaphore_capacity(keys) as semaphore
  cross join lateral (
    select best.priority, best.waiting_xid, best.job_id
    from pgq._waiting_parts(semaphore.concurrency_key) as part
    cross join lateral (
      select lane.priority, lane.waiting_xid, lane.job_id
      from pgq.blocked as lane
      where lane.concurrency_key = semaphore.concurrency_key
        and not lane.has_parents
        and (lane.priority, lane.waiting_xid, lane.job_id)
          >= (part.priority, part.waiting_xid, part.job_id)
        and lane.priority < part.below
      order by lane.priority, lane.waiting_xid, lane.job_id
      limit greatest(0, least(semaphore.room, batch_size))
      for update skip locked
    ) as best
    order by best.priority, best.waiting_xid, best.job_id
    limit greatest(0, least(semaphore.room, batch_size))
  ) as waiter
  limit batch_size;
end
$$;

comment on function pgq._lock_waiters is 'Lock the best waiters of semaphores with free slots.';
