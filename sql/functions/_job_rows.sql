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
    headers jsonb
  )
  language sql
  stable
as $$
  select place, task, coalesce(args, '{}'), queue, priority, run_at, delay, max_attempts,
    backoff #>> '{}', timeout, expires_in, unique_key, on_conflict, headers
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
      headers jsonb
    )
  ) with ordinality as job (
    task, args, queue, priority, run_at, delay, max_attempts, backoff, timeout, expires_in,
    unique_key, on_conflict, headers, place
  )
$$;

comment on function pgq._job_rows is 'The jobs of an enqueue_many call as rows, in their order.';
