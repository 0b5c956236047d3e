/*
 * Change a waiting job as a second enqueue of its unique_key asks. The caller has taken it out of
 * its lane. replace: everything but its parents; bump: the earlier time and the better priority of
 * the two.
 */
create or replace function pgq._replace_or_bump_job(
  job_id bigint,
  new_job pgq.jobs,
  how text,
  unique_while text
)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
begin
  if how = 'bump' then
    update pgq.jobs
    set priority = least(priority, new_job.priority),
        run_at = least(run_at, new_job.run_at)
    where id = _replace_or_bump_job.job_id;
  else
    update pgq.jobs
    set queue = new_job.queue,
        task = new_job.task,
        priority = new_job.priority,
        attempt = 0,
        max_attempts = new_job.max_attempts,
        run_at = new_job.run_at,
        expires_at = new_job.expires_at,
        timeout = new_job.timeout,
        concurrency = new_job.concurrency,
        partition_key = new_job.partition_key,
        args = new_job.args,
        headers = new_job.headers,
        backoff = new_job.backoff,
        errors = null
    where id = _replace_or_bump_job.job_id;
    if unique_while = 'queued' then
      insert into pgq.queued_keys (job_id)
      values (_replace_or_bump_job.job_id)
      on conflict on constraint queued_keys_pkey do nothing;
    else
      delete from pgq.queued_keys as scope
      where scope.job_id = _replace_or_bump_job.job_id;
    end if;
  end if;
end
$$;

comment on function pgq._replace_or_bump_job is
  'Change a waiting job as a second enqueue of its unique_key asks.';
