/*
 * Take slots whose concurrency_duration is over from jobs that have not ended, and give them to the
 * next waiters; answer how many.
 *
 * The duration of a job counts from its start. Slots get their end time when the job becomes ready,
 * so that a claim need not write them. If the job started later, or has not started, it gets the
 * rest of its time here. Otherwise all waiters of a paused queue would become ready, one after each
 * duration.
 */
create or replace function pgq._expire_slots(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_now constant timestamptz := pgq._now();
  v_due constant bigint[] := array(
    select job_id
    from pgq.slots
    where expires_at <= v_now
    order by expires_at
    limit batch_size
    for update skip locked
  );
  v_expired bigint;
begin
  if cardinality(v_due) = 0 then
    return 0;
  end if;
  update pgq.slots as slot
  set expires_at = coalesce(
    (select claim.claimed_at from pgq.running as claim where claim.job_id = slot.job_id), v_now
  ) + (
    select make_interval(secs => (job.concurrency ->> 'seconds')::double precision)
    from pgq.jobs as job
    where job.id = slot.job_id
  )
  where slot.job_id = any(v_due);

  with gone as (
    delete from pgq.slots
    where job_id = any(v_due)
      and expires_at <= v_now
    returning concurrency_key
  ),
  noted as (
    insert into pgq.releases (concurrency_key)
    select distinct concurrency_key
    from gone
  )
  select count(*) into v_expired from gone;
  return v_expired;
end
$$;

comment on function pgq._expire_slots is
  'Take slots whose duration is over from jobs that have not ended.';
