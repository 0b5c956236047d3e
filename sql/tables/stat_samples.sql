/*
 * When the depths of the queues were sampled: the newest time, and of each minute the last. It says
 * that there were no jobs, where stat_depths has no rows of a time.
 */
create table pgq.stat_samples (
  at timestamptz not null,
  last_id bigint not null,
  constraint stat_samples_pkey primary key (at)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

comment on table pgq.stat_samples is 'When the depths of the queues were sampled.';
comment on column pgq.stat_samples.at is 'The time.';
comment on column pgq.stat_samples.last_id is 'The id that the newest job had by then.';
