/*
 * How many slots each of these semaphores has left for its waiters, who is the best of them, and
 * whether it fits. A semaphore without waiters is left out.
 *
 * The limit is that of configure_semaphore(), else the best waiter's own; in strict order it is
 * never above 1. A job that is heavier than the limit runs alone. A slot whose duration is over
 * counts until its row is deleted. It takes no lock, so it also sees a waiter that another
 * session is changing. Nobody knows yet whether that waiter stays; if it were left out here, it
 * could wait for ever.
 */
create or replace function pgq._semaphore_capacity(keys text[])
  returns table (
    concurrency_key text,
    best_waiter bigint,
    configured bigint,
    used bigint,
    room bigint,
    fits boolean
  )
  language plpgsql
  rows 10
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  -- A table without a page is empty, and costs nothing.
  v_marked constant boolean := pg_relation_size('pgq.key_marks'::regclass) > 0;
  v_any_configured constant boolean := pg_relation_size('pgq.semaphores'::regclass) > 0;
begin
  return query
  select asked.key, best.job_id, configured.max_slots, taken.slots, room.slots,
    room.slots > 0
      and (taken.slots = 0 or room.slots >= (job.concurrency ->> 'weight')::bigint)
  from unnest(keys) as asked (key)
  cross join lateral (
    select part.first_xid, first.job_id
    from pgq._waiting_parts(asked.key, v_marked) as part
    cross join lateral (
      select lane.job_id
      from pgq.blocked as lane
      where lane.concurrency_key = asked.key
        and not lane.has_parents
        and (lane.priority, lane.waiting_xid, lane.job_id)
          >= (part.priority, part.waiting_xid, part.job_id)
        and lane.priority < part.below
      order by lane.priority, lane.waiting_xid, lane.job_id
      limit 1
    ) as first
    limit 1
  ) as best
  cross join lateral (
    select live.concurrency from pgq.jobs as live where live.id = best.job_id offset 0
  ) as job
  cross join lateral (
    select coalesce(sum(weight), 0)::bigint as slots
    from pgq.slots as slot
    where slot.concurrency_key = asked.key
      and slot.taken_xid >= best.first_xid
    offset 0
  ) as taken
  cross join lateral (
    select least((
      select max_slots::bigint from pgq.semaphores
      where v_any_configured and concurrency_key = asked.key
    ), case when job.concurrency ? 'order' then 1 end) as max_slots
    offset 0
  ) as configured
  cross join lateral (
    select coalesce(configured.max_slots, (job.concurrency ->> 'limit')::bigint) - taken.slots
      as slots
    offset 0
  ) as room;
end
$$;

comment on function pgq._semaphore_capacity is
  'How many slots semaphores have left for their waiters.';
