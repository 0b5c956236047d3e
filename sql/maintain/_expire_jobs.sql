/*
 * End waiting jobs that were not started in time, at most batch_size; answer how many. It skips
 * jobs that another session is claiming or changing.
 *
 * A transaction that stays open may have locked any number of the oldest jobs. So it searches at
 * four places: the oldest jobs, the ones right after them, the ones after a random time, and the
 * latest.
 */
create or replace function pgq._expire_jobs(batch_size bigint)
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
  v_last constant timestamptz := (select max(expires_at) from pgq.jobs where expires_at <= v_now);
  v_after timestamptz := '-infinity';
  v_due bigint[];
  v_expired bigint[] := '{}';
begin
  if v_last is null then
    return 0;
  end if;
  for v_look in 1..3 loop
    select coalesce(array_agg(page.id), '{}'), coalesce(max(page.expires_at), v_after)
    into v_due, v_after
    from (
      select job.id, job.expires_at
      from pgq.jobs as job
      where job.expires_at > v_after
        and job.expires_at <= v_last
        and not exists (select from pgq.running as claim where claim.job_id = job.id)
      order by job.expires_at
      limit batch_size
    ) as page;
    v_expired := pgq._remove_from_lane(v_due, wait => false);
    exit when cardinality(v_due) < batch_size or cardinality(v_expired) > 0;
    if v_look = 2 then
      v_after := v_after + random() * (v_last - v_after);
    end if;
  end loop;

  if cardinality(v_expired) = 0 and cardinality(v_due) = batch_size then
    v_due := array(
      select job.id
      from pgq.jobs as job
      where job.expires_at <= v_last
        and not exists (select from pgq.running as claim where claim.job_id = job.id)
      order by job.expires_at desc
      limit batch_size
    );
    v_expired := pgq._remove_from_lane(v_due, wait => false);
  end if;
  perform pgq._end_jobs(v_expired, 'expired', v_now);
  return cardinality(v_expired);
end
$$;

comment on function pgq._expire_jobs is 'End waiting jobs that were not started in time.';
