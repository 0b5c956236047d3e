/*
 * Reads all slots and all waiters: as many rows as there are live jobs with a concurrency key.
 */
create or replace view pgq.semaphore_status as
with waiters as (
  select concurrency_key, count(*) as jobs,
    (array_agg(job_id order by priority, waiting_xid, job_id))[1] as best
  from pgq.blocked
  where not has_parents
  group by concurrency_key
),
holders as (
  select concurrency_key, count(*) as jobs, sum(weight) as slots, min(job_id) as oldest,
    min(expires_at) as next_expiry_at
  from pgq.slots
  group by concurrency_key
)
select concurrency_key,
  coalesce(
    configured.max_slots,
    (
      select (job.concurrency ->> 'limit')::integer
      from pgq.jobs as job
      where job.id = coalesce(waiters.best, holders.oldest)
    )
  ) as max_slots,
  coalesce(holders.slots, 0) as used_slots,
  coalesce(holders.jobs, 0) as holders,
  coalesce(waiters.jobs, 0) as waiters,
  configured.max_slots is not null as configured,
  holders.next_expiry_at
from waiters
full join holders using (concurrency_key)
full join pgq.semaphores as configured using (concurrency_key)
order by concurrency_key;

comment on view pgq.semaphore_status is 'Semaphores in use or configured: slots, holders, waiters.';
comment on column pgq.semaphore_status.concurrency_key is 'The semaphore.';
comment on column pgq.semaphore_status.max_slots is
  'How many slots it has: as configured, else the limit of its best waiter or oldest holder.';
comment on column pgq.semaphore_status.used_slots is 'How many slots are taken.';
comment on column pgq.semaphore_status.holders is 'Jobs that hold slots: ready or running.';
comment on column pgq.semaphore_status.waiters is 'Jobs that wait for a slot.';
comment on column pgq.semaphore_status.configured is
  'Whether configure_semaphore() set the number of slots.';
comment on column pgq.semaphore_status.next_expiry_at is
  'When the concurrency_duration of a holder may be over; null: never.';
