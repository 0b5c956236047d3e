/*
 * Raise for the first job of an enqueue_many call that cannot be enqueued.
 */
create or replace function pgq._check_jobs(jobs jsonb)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
as $$
declare
  v_max_bytes constant bigint := (select max_args_bytes from pgq.settings);
  v_last_id constant bigint := (
    select last_value - (not is_called)::integer from pgq.jobs_id_seq
  );
  v_found record;
begin
  if not exists (
    select
    from pgq._job_rows(jobs) as job
    where pgq._job_problem(job, v_last_id, v_max_bytes) is not null
  ) then
    return;
  end if;

  select place, task, problem
  into v_found
  from (
    select row_number() over () as place, job.task,
      pgq._job_problem(job, v_last_id, v_max_bytes) as problem
    from pgq._job_rows(jobs) as job
  ) as checked
  where problem is not null
  order by place
  limit 1;
  perform pgq._raise_invalid_job(
    v_found.problem, format('job %s: ', v_found.place), v_found.task
  );
exception
  when data_exception then
    perform pgq._raise_wrong_type(jobs, sqlerrm);
end
$$;

comment on function pgq._check_jobs is
  'Raise for the first job of an enqueue_many call that cannot be enqueued.';
