/*
 * Jobs that have their unique_key only while they wait: the claim takes it from them. A row is
 * deleted with the first claim, or with the job. Only the holder of the job's lane row writes and
 * deletes it.
 */
create table pgq.queued_keys (
  job_id bigint not null,
  constraint queued_keys_pkey primary key (job_id)
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 5000,
  autovacuum_vacuum_cost_delay = 0
);

comment on table pgq.queued_keys is
  'Jobs that have their unique_key only until they are claimed.';
comment on column pgq.queued_keys.job_id is 'The job.';
