/*
 * Violations of: no row that counts is before its mark, and tables with one row per key have one.
 */
create or replace function pgq._verify_marks()
  returns table (violation text, job_id bigint, detail text)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select 'ready job below its mark', lane.job_id, mark.ready_xid::text
  from pgq.ready as lane
  join pgq.ready_marks as mark on mark.queue = lane.queue and mark.priority = lane.priority
  where (lane.ready_xid, lane.job_id) < (mark.ready_xid, mark.job_id)
    and mark.server_started_at = pg_postmaster_start_time()
    and not exists (
      select
      from unnest(mark.older_xids, mark.older_job_ids) as older (ready_xid, job_id)
      where older.ready_xid = lane.ready_xid
        and older.job_id <= lane.job_id
    )
  union all
  select * from pgq._verify_task_marks()
  union all
  select 'slot that its semaphore does not count', slot.job_id, slot.concurrency_key
  from pgq.slots as slot
  where slot.taken_xid < any(
    select mark.first_xid
    from pgq.key_marks as mark
    where mark.lane = 'slots'
      and mark.key = slot.concurrency_key
      and mark.server_started_at = pg_postmaster_start_time()
  )
  union all
  select 'claim that its queue does not count', claim.job_id, claim.queue
  from pgq.running as claim
  where claim.limited_xid < any(
    select mark.first_xid
    from pgq.key_marks as mark
    where mark.lane = 'running'
      and mark.key = claim.queue
      and mark.server_started_at = pg_postmaster_start_time()
  )
  union all
  select distinct 'waiter before the mark of its semaphore', lane.job_id, lane.concurrency_key
  from pgq.blocked as lane
  join pgq.key_marks as mark on mark.lane = 'slots' and mark.key = lane.concurrency_key
  cross join lateral unnest(mark.priorities, mark.waiting_xids, mark.job_ids, mark.belows)
    as part (priority, waiting_xid, job_id, below)
  where not lane.has_parents
    and lane.priority >= part.priority
    and lane.priority < part.below
    and (lane.priority, lane.waiting_xid, lane.job_id)
      < (part.priority, part.waiting_xid, part.job_id)
    and mark.server_started_at = pg_postmaster_start_time()
  union all
  select 'two buckets of a key', null, bucket.queue
  from pgq.rate_buckets as bucket
  group by bucket.queue, bucket.partition_key
  having count(*) > 1
$$;

comment on function pgq._verify_marks is
  'Violations of: no row that counts is before its mark, and a key has one row.';
