/*
 * What the best waiter of a semaphore asks for; null: nobody waits.
 *
 * Takes no lock, and so also sees a waiter that another session is changing: whether that one
 * stays is not known yet, and who forgot it here would leave it waiting for ever.
 */
create or replace function pgq._best_waiter(concurrency_key text)
  returns jsonb
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  return (
    select job.concurrency
    from (
      select job_id
      from pgq.blocked
      where concurrency_key = _best_waiter.concurrency_key
        and not has_parents
      order by priority, job_id
      limit 1
    ) as waiter
    cross join lateral (
      select live.concurrency from pgq.jobs as live where live.id = waiter.job_id offset 0
    ) as job
  );
end
$$;

comment on function pgq._best_waiter is 'What the best waiter of a semaphore asks for.';
