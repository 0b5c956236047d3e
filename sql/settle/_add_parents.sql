/*
 * Store new jobs as parents of a claimed job, which is about to wait for them. The caller has
 * locked the claim. It waits for nobody: the jobs have no unique key, and their batch is that of
 * the job, which lives.
 */
create or replace function pgq._add_parents(job_id bigint, jobs jsonb, on_parent_failure text)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_now constant timestamptz := pgq._now();
  v_job pgq.jobs;
  v_jobs jsonb;
  v_ids bigint[];
begin
  select * into v_job from pgq.jobs where id = _add_parents.job_id;
  v_jobs := pgq._new_parents(jobs, v_job);
  perform pgq._check_jobs(v_jobs);
  v_ids := pgq._insert_jobs(v_jobs, v_now);

  update pgq.jobs as job
  set depends_on = job.depends_on || v_ids,
      expires_at = null,
      on_parent_failure = case
        when _add_parents.on_parent_failure is null then job.on_parent_failure
        else nullif(_add_parents.on_parent_failure, 'cancel')
      end
  where id = _add_parents.job_id
  returning * into v_job;
  insert into pgq.dependencies (child_id, parent_id, outlasts_failure)
  select v_job.id, parent, coalesce(v_job.on_parent_failure = 'wait', false)
  from unnest(v_ids) as parent;
end
$$;

comment on function pgq._add_parents is
  'Store new jobs as parents of a claimed job, which is about to wait for them.';
