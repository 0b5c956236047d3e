/*
 * Change a waiting job as a second enqueue of its unique_key asks. The caller has taken it out of
 * its lane. replace: everything but its parents, also the slot that a job in strict order keeps;
 * bump: the earlier time and the better priority of the two; merge: as replace, but the args are
 * added to those that are there. With max_wait its time is no later than this after it was first
 * enqueued, and its expiry, which counts from its time, moves with it.
 */
create or replace function pgq._replace_or_bump_job(
  job_id bigint,
  new_job pgq.jobs,
  how text,
  unique_while text,
  max_wait interval,
  now_at timestamptz
)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_owner pgq.jobs;
  v_run_at timestamptz;
begin
  if how = 'bump' then
    update pgq.jobs
    set priority = least(priority, new_job.priority),
        run_at = least(run_at, new_job.run_at)
    where id = _replace_or_bump_job.job_id;
  else
    select * into v_owner from pgq.jobs where id = _replace_or_bump_job.job_id;
    if how = 'merge' then
      new_job.args := pgq._merged_args(v_owner, new_job);
    end if;
    v_run_at := least(
      new_job.run_at,
      case when max_wait is not null
        then greatest(pgq._add_interval(v_owner.created_at, max_wait), now_at) end
    );
    update pgq.jobs
    set queue = new_job.queue,
        task = new_job.task,
        priority = new_job.priority,
        attempt = 0,
        max_attempts = new_job.max_attempts,
        run_at = v_run_at,
        expires_at = pgq._add_interval(new_job.expires_at, v_run_at - new_job.run_at),
        timeout = new_job.timeout,
        concurrency = new_job.concurrency,
        partition_key = new_job.partition_key,
        args = new_job.args,
        headers = new_job.headers,
        backoff = new_job.backoff,
        errors = null
    where id = _replace_or_bump_job.job_id;
    perform pgq._release_slots(array[_replace_or_bump_job.job_id]);
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
