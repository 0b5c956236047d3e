/*
 * Raise unless the job of a schedule can be enqueued, by the rules of enqueue(). Its headers are
 * checked with what firing adds to them, and its options with the defaults of its task.
 */
create or replace function pgq._check_schedule_job(schedule pgq.schedules, now_at timestamptz)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_max_bytes constant bigint := (select max_args_bytes from pgq.settings);
  v_jobs constant jsonb := pgq._tick_jobs(schedule, array[now_at]);
  v_job pgq.job_options;
  v_problem text[];
begin
  select *
  into v_job
  from pgq._job_rows(coalesce(pgq._fill_in_jobs(v_jobs, false), v_jobs));
  v_problem := pgq._job_problem(v_job, null, v_max_bytes);
  if schedule.overlap = 'skip' and schedule.job ?| '{unique_key,unique_while,unique_for}' then
    v_problem := array[
      'both overlap => skip and a unique key are given',
      'overlap => skip uses a unique_key itself: leave out one of the two.'
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
