/*
 * End the waiters of a semaphore that have concurrency_on_conflict => discard; answer how many. It
 * skips a waiter whose lane row or job another session has locked, for instance to promote its
 * children.
 */
create or replace function pgq._discard_waiters(
  concurrency_key text,
  batch_size bigint,
  now_at timestamptz
)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_held constant bigint[] := array(
    select job_id
    from pgq.blocked
    where concurrency_key = _discard_waiters.concurrency_key
      and discard
      and not has_parents
    limit batch_size
    for update skip locked
  );
  v_discarded constant bigint[] := array(
    select id from pgq.jobs where id = any(v_held) order by id for update skip locked
  );
begin
  if cardinality(v_discarded) > 0 then
    delete from pgq.blocked
    where job_id = any(v_discarded);
    perform pgq._end_jobs(
      v_discarded, 'cancelled', now_at, format('semaphore %s was taken', concurrency_key)
    );
  end if;
  return cardinality(v_discarded);
end
$$;

comment on function pgq._discard_waiters is
  'End the waiters of a semaphore that must not wait for it.';
