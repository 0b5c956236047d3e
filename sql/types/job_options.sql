/*
 * The options of a job as callers pass them: first those of enqueue_many() alone, then the
 * arguments of enqueue() in their order. A new one comes last, as in enqueue().
 *
 * The keys that a job may have in JSON are read from here. Options of another name or type are
 * refused before a job is read.
 */
create type pgq.job_options as (
  new_id bigint,
  ref text,
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
  declared text[],
  unique_by text,
  max_wait interval,
  concurrency_order text
);

comment on type pgq.job_options is 'The options of a job as they are given to enqueue().';
