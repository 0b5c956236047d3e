/*
 * The jobs of an enqueue_many call as rows, in their order.
 *
 * Plain SQL without settings, so that it is inlined into the statements that read it.
 */
create or replace function pgq._job_rows(jobs jsonb)
  returns table (
    place bigint,
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
    headers jsonb,
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
    batch_id bigint,
    new_id bigint
  )
  language sql
  stable
as $$
  select place, task, coalesce(args, '{}'), queue, priority, run_at, delay, max_attempts,
    backoff #>> '{}', timeout, expires_in, unique_key, on_conflict, headers,
    concurrency_key, concurrency_limit, concurrency_duration, concurrency_weight,
    concurrency_on_conflict, depends_on, on_parent_failure, partition_key, unique_while, unique_for,
    batch_id, new_id
  from rows from (
    pg_catalog.jsonb_to_recordset(jobs) as (
      task text,
      args jsonb,
      queue text,
      priority bigint,
      run_at timestamptz,
      delay interval,
      max_attempts bigint,
      backoff jsonb,
      timeout interval,
      expires_in interval,
      unique_key text,
      on_conflict text,
      headers jsonb,
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
      batch_id bigint,
      new_id bigint
    )
  ) with ordinality as job (
    task, args, queue, priority, run_at, delay, max_attempts, backoff, timeout, expires_in,
    unique_key, on_conflict, headers, concurrency_key, concurrency_limit, concurrency_duration,
    concurrency_weight, concurrency_on_conflict, depends_on, on_parent_failure, partition_key,
    unique_while, unique_for, batch_id, new_id, place
  )
$$;

comment on function pgq._job_rows is 'The jobs of an enqueue_many call as rows, in their order.';
