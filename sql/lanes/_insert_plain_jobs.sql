/*
 * Store the jobs of an enqueue_many call that have no other options than task, args and queue, as
 * _insert_jobs would; return their ids, in the order of the call. Raises for the first job that is
 * wrong.
 *
 * Most calls have only such jobs, and to read all options of a job takes half as long as to store
 * it. To plan the checks again in every call would take as long as to store thirty jobs.
 */
create or replace function pgq._insert_plain_jobs(jobs jsonb, now_at timestamptz)
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  v_max_bytes bigint;
  v_in_turn boolean;
  v_ids bigint[];
  v_is_wrong boolean;
begin
  select max_args_bytes, exists (select from pgq.queues where fair or rate_per_key)
  into v_max_bytes, v_in_turn
  from pgq.settings;

  with given as (
    select job ->> 'task' as task, coalesce(nullif(job -> 'args', 'null'), '{}') as args,
      coalesce(job ->> 'queue', 'default') as queue
    from jsonb_array_elements(jobs) as job
    offset 0  -- evaluate each of them once
  ),
  numbered as materialized (
    select given.*, case
      when pgq._task_problem(task, args, queue, v_max_bytes) is null
      then nextval('pgq.jobs_id_seq')
    end as job_id
    from given
  ),
  stored as (
    insert into pgq.jobs (id, queue, task, priority, max_attempts, run_at, created_at, args)
    select job_id, queue, task, 0, 5, now_at, now_at, args
    from numbered
    where job_id is not null
  ),
  made_ready as (
    insert into pgq.ready (queue, priority, job_id, task, ready_at, partition_key)
    select queue, 0, job_id, task, now_at, case when v_in_turn then pgq._tenant_key(queue) end
    from numbered
    where job_id is not null
  )
  select coalesce(array_agg(job_id), '{}'), coalesce(bool_or(job_id is null), false)
  into v_ids, v_is_wrong
  from numbered;

  if v_is_wrong then
    perform pgq._check_jobs(jobs);
  end if;
  perform pgq._notify_ready(v_ids);
  return v_ids;
end
$$;

comment on function pgq._insert_plain_jobs is
  'Store the jobs of an enqueue_many call that have no other options than task, args and queue.';
