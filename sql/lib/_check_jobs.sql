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
  select place, task, problem
  into v_found
  from (
    select place, task, coalesce(
      pgq._job_problem(
        task, args, queue, priority, run_at, delay, max_attempts, timeout, expires_in, unique_key,
        on_conflict, unique_while, unique_for, headers, v_max_bytes
      ),
      pgq._coordination_problem(
        concurrency_key, concurrency_limit, concurrency_duration, concurrency_weight,
        concurrency_on_conflict, depends_on, on_parent_failure, partition_key, v_last_id,
        on_conflict
      )
    ) as problem
    from pgq._job_rows(jobs)
  ) as checked
  where problem is not null
  order by place
  limit 1;
  if found then
    perform pgq._raise_invalid_job(
      v_found.problem, format('job %s: ', v_found.place), v_found.task
    );
  end if;
exception
  when data_exception then
    perform pgq._raise_wrong_type(jobs, sqlerrm);
end
$$;

comment on function pgq._check_jobs is
  'Raise for the first job of an enqueue_many call that cannot be enqueued.';
