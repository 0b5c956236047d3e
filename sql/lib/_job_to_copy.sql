/*
 * The options that enqueue_again() and redrive() copy from a live or finished job; nulls for an
 * unknown job. It is stable, so one snapshot sees the job in one place, even if the job is just
 * ending or being retried.
 */
create or replace function pgq._job_to_copy(job_id bigint)
  returns pgq.jobs
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set intervalstyle = 'postgres'
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_job pgq.jobs;
begin
  select *
  into v_job
  from pgq.jobs as live
  where live.id = _job_to_copy.job_id;
  if not found then
    select (jsonb_populate_record(null::pgq.jobs, to_jsonb(past))).*
    into v_job
    from pgq.job_history as past
    where past.id = _job_to_copy.job_id;
  end if;

  v_job.id := null;
  v_job.attempt := 0;
  v_job.run_at := null;
  v_job.created_at := null;
  v_job.expires_at := null;
  v_job.unique_key := null;
  v_job.depends_on := null;
  v_job.on_parent_failure := null;
  v_job.batch_id := null;
  v_job.errors := null;
  v_job.last_claim_id := null;
  return v_job;
end
$$;

comment on function pgq._job_to_copy is
  'The options that enqueue_again() and redrive() copy from a live or finished job.';
