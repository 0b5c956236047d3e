create table pgq.stat_totals (
  queue text not null,
  task text not null,
  outcome text not null,
  jobs bigint not null,
  wait_us bigint not null,
  run_us bigint not null,
  waits bigint[],
  runs bigint[],
  constraint stat_totals_pkey primary key (queue, task, outcome),
  constraint stat_totals_outcome_is_known check (
    outcome in (
      'succeeded', 'failed', 'cancelled', 'expired', 'retried', 'snoozed', 'released', 'lost'
    )
  )
) with (
  fillfactor = 50,
  autovacuum_vacuum_cost_delay = 0
);

comment on table pgq.stat_totals is
  'What has happened since statistics began; these numbers only grow.';
comment on column pgq.stat_totals.queue is 'The queue.';
comment on column pgq.stat_totals.task is 'The task; (other) if there are too many to name.';
comment on column pgq.stat_totals.outcome is 'As in stat_deltas.';
comment on column pgq.stat_totals.jobs is 'How many jobs.';
comment on column pgq.stat_totals.wait_us is
  'How long claimed jobs had waited, summed, in microseconds.';
comment on column pgq.stat_totals.run_us is 'How long they ran, summed, in microseconds.';
comment on column pgq.stat_totals.waits is
  'How many waited up to 2^(n/2) seconds, at the subscript n; null if none was claimed.';
comment on column pgq.stat_totals.runs is 'How many ran so long, like waits; null if none ran.';
