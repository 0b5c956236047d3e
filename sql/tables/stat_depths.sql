create table pgq.stat_depths (
  at timestamptz not null,
  queue text not null,
  ready bigint not null,
  scheduled bigint not null,
  blocked bigint not null,
  running bigint not null,
  failed bigint not null,
  lag interval,
  oldest_failed_at timestamptz,
  estimated text[] not null,
  constraint stat_depths_pkey primary key (at, queue),
  constraint stat_depths_are_not_negative check (
    least(ready, scheduled, blocked, running, failed) >= 0
  ),
  constraint stat_depths_estimated_names_states check (
    estimated <@ array['ready', 'scheduled', 'blocked', 'running', 'failed']
  )
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_cost_delay = 0
);

create index stat_depths_queue_idx on pgq.stat_depths (queue, at);

comment on table pgq.stat_depths is 'How many jobs waited and ran in each queue, sampled.';
comment on column pgq.stat_depths.at is 'When; see stat_samples.';
comment on column pgq.stat_depths.queue is
  'The queue; (other) for those that are too many to name, together.';
comment on column pgq.stat_depths.ready is 'Jobs that waited for a worker.';
comment on column pgq.stat_depths.scheduled is 'Jobs whose time had not come.';
comment on column pgq.stat_depths.blocked is 'Jobs that waited for other jobs.';
comment on column pgq.stat_depths.running is 'Jobs that were claimed.';
comment on column pgq.stat_depths.lag is
  'How long the oldest ready job had waited, without pauses; null if none was ready.';
comment on column pgq.stat_depths.failed is
  'Failed jobs in the history; at least so many if estimated names the state.';
comment on column pgq.stat_depths.oldest_failed_at is 'When the oldest of the counted ones failed.';
comment on column pgq.stat_depths.estimated is 'The states whose number is an estimate.';
