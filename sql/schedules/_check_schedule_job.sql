/*
 * Raise unless the job of a schedule can be enqueued, by the rules of enqueue(), its headers with
 * what firing adds to them.
 */
create or replace function pgq._check_schedule_job(schedule pgq.schedules, now_at timestamptz)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_max_bytes constant bigint := (select max_args_bytes from pgq.settings);
  v_job record;
  v_problem text[];
begin
  select *
  into v_job
  from pgq._job_rows(pgq._tick_jobs(schedule, array[now_at]));
  v_problem := coalesce(pgq._job_problem(
    v_job.task, v_job.args, v_job.queue, v_job.priority, v_job.run_at, v_job.delay,
    v_job.max_attempts, v_job.timeout, v_job.expires_in, v_job.unique_key, v_job.on_conflict,
    v_job.unique_while, v_job.unique_for, v_job.headers, v_max_bytes
  ), pgq._coordination_problem(
    v_job.concurrency_key, v_job.concurrency_limit, v_job.concurrency_duration,
    v_job.concurrency_weight, v_job.concurrency_on_conflict, null, null, v_job.partition_key, 0,
    v_job.on_conflict
  ));
  if schedule.overlap = 'skip' and schedule.job ?| '{unique_key,unique_while,unique_for}' then
    v_problem := array[
      'both overlap => skip and a unique key are given',
      'overlap => skip is a unique_key of its own: leave out one of the two.'
    ];
  end if;
  if v_problem is not null then
    perform pgq._raise_invalid_job(v_problem);
  end if;
  perform pgq._parse_backoff(v_job.backoff);
end
$$;

comment on function pgq._check_schedule_job is
  'Raise unless the job of a schedule can be enqueued.';
