/*
 * THE list of filters to search jobs by: the first arguments of find_jobs(), list_jobs() and
 * estimate_jobs(), in their order. A filter that is null fits every job.
 */
create type pgq.job_filters as (
  queue text,
  task text,
  states text[],
  unique_key text,
  concurrency_key text,
  partition_key text,
  batch_id bigint,
  worker_id bigint,
  error_type text,
  fingerprint text,
  headers jsonb,
  args jsonb,
  created_after timestamptz,
  created_before timestamptz,
  finished_after timestamptz,
  finished_before timestamptz
);

comment on type pgq.job_filters is 'What jobs can be searched by; a null fits every job.';
