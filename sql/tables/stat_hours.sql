create table pgq.stat_hours (
  hour timestamptz not null,
  queue text not null,
  task text not null,
  outcome text not null,
  jobs bigint not null,
  wait_us bigint not null,
  run_us bigint not null,
  waits bigint[],
  runs bigint[],
  constraint stat_hours_pkey primary key (hour, queue, task, outcome),
  constraint stat_hours_outcome_is_known check (
    outcome in (
      'succeeded', 'failed', 'cancelled', 'expired', 'retried', 'snoozed', 'released', 'lost'
    )
  )
) with (
  fillfactor = 70,
  autovacuum_vacuum_cost_delay = 0
);

comment on table pgq.stat_hours is
  'What happened in each hour once its minutes are two days old; kept for 60 days.';
comment on column pgq.stat_hours.hour is 'Its beginning.';
comment on column pgq.stat_hours.queue is 'The queue.';
comment on column pgq.stat_hours.task is 'The task; (other) if there are too many to name.';
comment on column pgq.stat_hours.outcome is 'As in stat_deltas.';
comment on column pgq.stat_hours.jobs is 'How many jobs.';
comment on column pgq.stat_hours.wait_us is
  'How long claimed jobs had waited, summed, in microseconds.';
comment on column pgq.stat_hours.run_us is 'How long they ran, summed, in microseconds.';
comment on column pgq.stat_hours.waits is
  'How many waited up to 2^(n/2) seconds, at the subscript n; null if none was claimed.';
comment on column pgq.stat_hours.runs is 'How many ran so long, like waits; null if none ran.';
