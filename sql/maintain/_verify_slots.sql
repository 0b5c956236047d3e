/*
 * Violations of: slots belong to jobs that are ready or running, or in strict
 * order; no waiter of a semaphore fits;
 * slots and waiters agree with their rows in jobs. For their marks see _verify_marks.
 */
create or replace function pgq._verify_slots()
  returns table (violation text, job_id bigint, detail text)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select 'slot of a job that is neither ready nor running', slot.job_id, slot.concurrency_key
  from pgq.slots as slot
  where not exists (select from pgq.ready as lane where lane.job_id = slot.job_id)
    and not exists (select from pgq.running as lane where lane.job_id = slot.job_id)
    and slot.in_order is null
  union all
  select 'slot or blocked row that differs from its job', held.job_id, held.concurrency_key
  from (
    select job_id, concurrency_key, weight, null::boolean as discard, coalesce(in_order, '')
      as in_order
    from pgq.slots
    union all
    select job_id, concurrency_key, null, discard, null from pgq.blocked
  ) as held
  join pgq.jobs as job on job.id = held.job_id
  where held.concurrency_key is distinct from job.concurrency ->> 'key'
    or held.weight <> (job.concurrency ->> 'weight')::integer
    or held.discard <> coalesce((job.concurrency ->> 'discard')::boolean, false)
    or held.in_order <> coalesce(job.concurrency ->> 'order', '')
  union all
  select 'waits for a semaphore that has room, and nobody knows', best.job_id, best.concurrency_key
  from (
    select distinct on (lane.concurrency_key) lane.job_id, lane.concurrency_key
    from pgq.blocked as lane
    where not lane.has_parents
    order by lane.concurrency_key, lane.priority, lane.waiting_xid, lane.job_id
  ) as best
  join pgq.jobs as job on job.id = best.job_id
  left join pgq.semaphores as semaphore on semaphore.concurrency_key = best.concurrency_key
  cross join lateral (
    select coalesce(sum(slot.weight), 0) as used,
      coalesce(
        least(semaphore.max_slots, case when job.concurrency ? 'order' then 1 end),
        (job.concurrency ->> 'limit')::bigint
      ) as slots
    from pgq.slots as slot
    where slot.concurrency_key = best.concurrency_key
  ) as counted
  where used < counted.slots
    and (used = 0 or used + (job.concurrency ->> 'weight')::bigint <= counted.slots)
    and not exists (
      select from pgq.releases as note where note.concurrency_key = best.concurrency_key
    )
$$;

comment on function pgq._verify_slots is
  'Violations of: slots belong to ready or running jobs, and no waiter fits.';
