/*
 * Violations of: of the jobs of a key in strict order, one at most has had its turn and not ended.
 * All others stand in line, by their ids.
 */
create or replace function pgq._verify_order()
  returns table (violation text, job_id bigint, detail text)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select 'several jobs in strict order have one key', max(slot.job_id), slot.concurrency_key
  from pgq.slots as slot
  where slot.in_order is not null
  group by slot.concurrency_key
  having count(*) > 1
  union all
  select 'job in strict order outside its line, without its key', job.id, job.concurrency ->> 'key'
  from pgq.jobs as job
  where job.concurrency ? 'order'
    and not exists (select from pgq.slots as slot where slot.job_id = job.id)
    and not exists (select from pgq.blocked as lane where lane.job_id = job.id)
  union all
  select 'job in strict order both in its line and with its key', lane.job_id, lane.concurrency_key
  from pgq.blocked as lane
  join pgq.slots as slot on slot.job_id = lane.job_id
  union all
  select 'wrong place in the line of a semaphore', lane.job_id, lane.concurrency_key
  from pgq.blocked as lane
  join pgq.jobs as job on job.id = lane.job_id
  where (lane.waiting_xid = '1') <> coalesce(job.concurrency ? 'order', false)
    or lane.waiting_xid = '1' and lane.priority <> -2147483648
  union all
  select 'key that is kept by a job that did not fail', slot.job_id, slot.concurrency_key
  from pgq.slots as slot
  where slot.in_order is not null
    and not exists (select from pgq.jobs as job where job.id = slot.job_id)
    and (slot.in_order <> 'block' or exists (
      select from pgq.job_history as past where past.id = slot.job_id and past.state <> 'failed'
    ))
$$;

comment on function pgq._verify_order is
  'Violations of: one job at most of a key in strict order has had its turn and not ended.';
