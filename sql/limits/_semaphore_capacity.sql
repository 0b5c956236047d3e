/*
 * How many slots each of these semaphores has left for its waiters, and the weight of its best
 * waiter. A semaphore without waiters is left out.
 *
 * The limit is that of configure_semaphore(), else the best waiter's own. A slot whose duration is
 * over counts until its row is deleted. It takes no lock, so it also sees a waiter that another
 * session is changing. Nobody knows yet whether that waiter stays; if it were left out here, it
 * could wait for ever.
 */
create or replace function pgq._semaphore_capacity(keys text[])
  returns table (
    concurrency_key text,
    configured bigint,
    used bigint,
    room bigint,
    best_weight bigint
  )
  language plpgsql
  rows 10
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select best.concurrency_key, configured.max_slots, taken.slots,
    coalesce(configured.max_slots, (job.concurrency ->> 'limit')::bigint) - taken.slots,
    (job.concurrency ->> 'weight')::bigint
  from pgq._best_waiters(keys) as best
  cross join lateral (
    select live.concurrency from pgq.jobs as live where live.id = best.job_id offset 0
  ) as job
  cross join lateral (
    select coalesce(sum(weight), 0)::bigint as slots
    from pgq.slots as slot
    where slot.concurrency_key = best.concurrency_key
      and slot.taken_xid >= pgq._first_xid('slots', best.concurrency_key)
    offset 0
  ) as taken
  cross join lateral (
    select (
      select max_slots::bigint from pgq.semaphores where concurrency_key = best.concurrency_key
    ) as max_slots
    offset 0
  ) as configured;
end
$$;

comment on function pgq._semaphore_capacity is
  'How many slots semaphores have left for their waiters.';
