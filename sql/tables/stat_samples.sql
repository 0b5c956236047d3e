/*
 * When the depths of the queues were sampled: the newest time, and the last one of each minute. If
 * a time has no rows in stat_depths, there were no jobs.
 */
create table pgq.stat_samples (
  at timestamptz not null,
  last_id bigint not null,
  constraint stat_samples_pkey primary key (at)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

comment on table pgq.stat_samples is 'When the depths of the queues were sampled.';
comment on column pgq.stat_samples.at is 'The time.';
comment on column pgq.stat_samples.last_id is 'The id of the newest job at that time.';
