/*
 * A row of list_jobs(): a job of any state. The last row may have no job, and say where to go on.
 * It is a type, because the columns of a function may not have the names of its arguments.
 */
create type pgq.listed_job as (
  id bigint,
  state text,
  queue text,
  task text,
  priority integer,
  attempt integer,
  max_attempts integer,
  run_at timestamptz,
  created_at timestamptz,
  ready_at timestamptz,
  claimed_at timestamptz,
  finished_at timestamptz,
  expires_at timestamptz,
  timeout interval,
  worker_id bigint,
  unique_key text,
  batch_id bigint,
  partition_key text,
  concurrency_key text,
  waits_for text,
  parents bigint[],
  error_type text,
  error_message text,
  progress jsonb,
  args jsonb,
  headers jsonb,
  errors jsonb,
  result jsonb,
  looked_to bigint
);

comment on type pgq.listed_job is 'A job as list_jobs() shows it, or where to go on.';
