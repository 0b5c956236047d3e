/*
 * End waiting jobs that were not started in time; answer how many. Those that another session is
 * claiming or changing are passed over.
 */
create or replace function pgq._expire_due(batch_size bigint)
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
  v_looked_at bigint := 0;
  v_due bigint[];
  v_expired bigint[] := '{}';
begin
  -- A transaction that stays open may hold a whole batch of the oldest.
  loop
    v_due := array(
      select job.id
      from pgq.jobs as job
      where job.expires_at <= v_now
        and not exists (select from pgq.running as claim where claim.job_id = job.id)
      order by job.expires_at
      limit batch_size
      offset v_looked_at
    );
    v_looked_at := v_looked_at + cardinality(v_due);
    v_expired := v_expired || pgq._take_waiting(v_due, wait => false);
    exit when cardinality(v_due) < batch_size or cardinality(v_expired) > 0;
  end loop;
  perform pgq._end_jobs(v_expired, 'expired', v_now);
  return cardinality(v_expired);
end
$$;

comment on function pgq._expire_due is 'End waiting jobs that were not started in time.';
