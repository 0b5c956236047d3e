/*
 * What enqueue does with a job that has options.
 */
create or replace function pgq._enqueue_job(
  task text,
  args jsonb,
  queue text,
  priority bigint,
  run_at timestamptz,
  delay interval,
  max_attempts bigint,
  backoff text,
  timeout interval,
  expires_in interval,
  unique_key text,
  on_conflict text,
  headers text,
  concurrency_key text,
  concurrency_limit bigint,
  concurrency_duration interval,
  concurrency_weight bigint,
  concurrency_on_conflict text,
  depends_on bigint[],
  on_parent_failure text,
  partition_key text,
  unique_while text,
  unique_for interval,
  batch_id bigint
)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_headers constant jsonb := pgq._parse_json(_enqueue_job.headers, 'headers');
  v_max_bytes constant bigint := (select max_args_bytes from pgq.settings);
  v_problem text[] := pgq._job_problem(
    _enqueue_job.task, _enqueue_job.args, _enqueue_job.queue, _enqueue_job.priority,
    _enqueue_job.run_at, _enqueue_job.delay, _enqueue_job.max_attempts, _enqueue_job.timeout,
    _enqueue_job.expires_in, _enqueue_job.unique_key, _enqueue_job.on_conflict,
    _enqueue_job.unique_while, _enqueue_job.unique_for, v_headers, v_max_bytes
  );
  v_job pgq.jobs;
begin
  v_problem := coalesce(v_problem, pgq._coordination_problem(
    _enqueue_job.concurrency_key, _enqueue_job.concurrency_limit, _enqueue_job.concurrency_duration,
    _enqueue_job.concurrency_weight, _enqueue_job.concurrency_on_conflict, _enqueue_job.depends_on,
    _enqueue_job.on_parent_failure, _enqueue_job.partition_key,
    case
      when _enqueue_job.depends_on is not null
      then (select last_value - (not is_called)::integer from pgq.jobs_id_seq)
    end,
    _enqueue_job.on_conflict
  ));
  if v_problem is not null then
    perform pgq._raise_invalid_job(v_problem);
  end if;
  if _enqueue_job.batch_id is not null then
    perform pgq._join_batch(_enqueue_job.batch_id);
  end if;

  select *
  into v_job
  from pgq._new_job(
    _enqueue_job.task, _enqueue_job.args, _enqueue_job.queue, _enqueue_job.priority,
    _enqueue_job.run_at, _enqueue_job.delay, _enqueue_job.max_attempts,
    pgq._parse_backoff(_enqueue_job.backoff), _enqueue_job.timeout, _enqueue_job.expires_in,
    _enqueue_job.unique_key, v_headers, v_now,
    pgq._concurrency_json(
      _enqueue_job.concurrency_key, _enqueue_job.concurrency_limit,
      _enqueue_job.concurrency_duration, _enqueue_job.concurrency_weight,
      _enqueue_job.concurrency_on_conflict
    ),
    _enqueue_job.depends_on, _enqueue_job.on_parent_failure, _enqueue_job.partition_key,
    _enqueue_job.batch_id
  );
  if v_job.unique_key is null then
    return pgq._insert_job(v_job, v_now);
  end if;
  return (
    select keyed.id
    from pgq._upsert_keyed_job(
      v_job, _enqueue_job.on_conflict, _enqueue_job.unique_while, _enqueue_job.unique_for, v_now
    ) as keyed
  );
end
$$;

comment on function pgq._enqueue_job is 'What enqueue does with a job that has options.';
