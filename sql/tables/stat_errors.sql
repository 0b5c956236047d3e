/*
 * Errors that count as the same, by fingerprint and task; see error_groups(). Only the step
 * `statistics` of maintain() writes to it, and never a settle.
 */
create table pgq.stat_errors (
  fingerprint text not null,
  task text not null,
  error_type text not null,
  pattern text not null,
  sample text not null,
  first_seen timestamptz not null,
  last_seen timestamptz not null,
  last_job_id bigint not null,
  constraint stat_errors_pkey primary key (fingerprint, task)
) with (
  fillfactor = 70,
  autovacuum_vacuum_cost_delay = 0
);

create index stat_errors_last_seen_idx on pgq.stat_errors (last_seen);

comment on table pgq.stat_errors is
  'Errors that count as the same; kept for sixty days. Beyond 5,000 they are (other).';
comment on column pgq.stat_errors.fingerprint is 'As in the errors of a job.';
comment on column pgq.stat_errors.task is 'The task that failed.';
comment on column pgq.stat_errors.error_type is 'The class of the error.';
comment on column pgq.stat_errors.pattern is
  'The first line of its message, with marks for what differs from one time to the next.';
comment on column pgq.stat_errors.sample is 'How its last message began.';
comment on column pgq.stat_errors.first_seen is 'When it first happened.';
comment on column pgq.stat_errors.last_seen is 'When it last happened.';
comment on column pgq.stat_errors.last_job_id is 'The job that it last happened to.';
