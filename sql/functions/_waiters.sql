/*
 * The best waiters of a semaphore, locked; those that another session is changing are passed over.
 */
create or replace function pgq._waiters(concurrency_key text, batch_size bigint)
  returns table (job_id bigint, priority integer, weight bigint, max_slots bigint)
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  return query
  select waiter.job_id, waiter.priority, (job.concurrency ->> 'weight')::bigint,
    (job.concurrency ->> 'limit')::bigint
  from (
    select job_id, priority
    from pgq.blocked
    where concurrency_key = _waiters.concurrency_key
      and not has_parents
    order by priority, job_id
    limit batch_size
    for update skip locked
  ) as waiter
  cross join lateral (
    select live.concurrency from pgq.jobs as live where live.id = waiter.job_id offset 0
  ) as job;
end
$$;

comment on function pgq._waiters is 'The best waiters of a semaphore, locked.';
