/*
 * Count the semaphores in use and the jobs that wait for one, up to 10,000 jobs each. Return also
 * the rows of health(), with nothing hidden.
 */
create or replace function pgq._measure_house(
  out semaphores bigint,
  out semaphore_waiters bigint,
  out checks jsonb
)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
begin
  semaphores := (
    select count(distinct held.concurrency_key)
    from (
      -- By pages: an index would visit every dead row by itself.
      select slot.concurrency_key from pgq.slots as slot where slot.ctid >= '(0,0)' limit 10000
    ) as held
  );
  semaphore_waiters := (
    select count(*)
    from (
      select
      from pgq.blocked as waiting
      where not waiting.has_parents
        and waiting.concurrency_key > ''
      order by waiting.concurrency_key, waiting.priority, waiting.waiting_xid, waiting.job_id
      limit 10000
    ) as counted
  );
  checks := (select jsonb_agg(told) from pgq._health_checks(pgq._now(), null, null) as told);
end
$$;

comment on function pgq._measure_house is
  'Count semaphores and the jobs that wait for them, and ask health().';
