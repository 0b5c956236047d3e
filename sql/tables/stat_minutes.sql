create table pgq.stat_minutes (
  minute timestamptz not null,
  queue text not null,
  task text not null,
  outcome text not null,
  jobs bigint not null,
  wait_us bigint not null,
  run_us bigint not null,
  waits bigint[],
  runs bigint[],
  constraint stat_minutes_pkey primary key (minute, queue, task, outcome),
  constraint stat_minutes_outcome_is_known check (
    outcome in (
      'succeeded', 'failed', 'cancelled', 'expired', 'retried', 'snoozed', 'released', 'lost'
    )
  )
) with (
  fillfactor = 70,
  autovacuum_vacuum_cost_delay = 0
);

comment on table pgq.stat_minutes is 'What happened in each minute, for two days.';
comment on column pgq.stat_minutes.minute is 'When, by the clock of the settles.';
comment on column pgq.stat_minutes.queue is 'The queue.';
comment on column pgq.stat_minutes.task is 'The task; (other) if there are too many to name.';
comment on column pgq.stat_minutes.outcome is 'As in stat_deltas.';
comment on column pgq.stat_minutes.jobs is 'How many jobs.';
comment on column pgq.stat_minutes.wait_us is
  'How long claimed jobs had waited, summed, in microseconds.';
comment on column pgq.stat_minutes.run_us is 'How long they ran, summed, in microseconds.';
comment on column pgq.stat_minutes.waits is
  'How many waited up to 2^(n/2) seconds, at the subscript n; null if none was claimed.';
comment on column pgq.stat_minutes.runs is 'How many ran so long, like waits; null if none ran.';
