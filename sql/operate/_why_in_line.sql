/*
 * What why_waiting() says of a job in strict order: which job has its turn, or who stopped the key.
 * Up to 10,000 jobs that wait before it are counted.
 */
create or replace function pgq._why_in_line(lane pgq.blocked)
  returns table (reason text, explanation text, until timestamptz)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select 'semaphore', concat_ws('; ',
    case
      when turn.job_id is not null and holder.state = 'failed'
        then format('job %s, which comes before it, failed and blocks %s', turn.job_id, named.key)
      when turn.job_id is not null and holder.state is null
        then format('job %s, which failed and is gone, blocks %s', turn.job_id, named.key)
      when turn.job_id is not null
        then format('job %s, which is %s, comes before it in the order of %s', turn.job_id,
          holder.state, named.key)
      when stopped.max_slots = 0 then format('%s has 0 slots', named.key)
      when taken.holders is not null
        then format('%s is taken by jobs without an order: %s', named.key,
          pgq._list_briefly(taken.holders))
    end,
    nullif(before.jobs, 0) || ' jobs wait before it'
  ), null::timestamptz
  from (
    select case
      when pgq._sees_contents() then 'semaphore ' || lane.concurrency_key else 'its semaphore'
    end as key
  ) as named
  cross join pgq._slots_taken(lane.concurrency_key) as taken
  left join pgq.semaphores as stopped on stopped.concurrency_key = lane.concurrency_key
    and stopped.paused_at is null
  left join lateral (
    select slot.job_id from pgq.slots as slot
    where slot.concurrency_key = lane.concurrency_key and slot.in_order is not null
    limit 1
  ) as turn on true
  left join lateral (
    select found.state from pgq.all_jobs as found where found.id = turn.job_id limit 1
  ) as holder on true
  cross join lateral (
    select count(*) as jobs
    from (
      select
      from pgq.blocked as other
      where other.concurrency_key = lane.concurrency_key
        and not other.has_parents
        and (other.priority, other.waiting_xid, other.job_id)
          < (lane.priority, lane.waiting_xid, lane.job_id)
      limit 10000
    ) as counted
  ) as before
  where taken.jobs + before.jobs > 0 or stopped.max_slots = 0
$$;

comment on function pgq._why_in_line is 'What why_waiting() says of a job in strict order.';
