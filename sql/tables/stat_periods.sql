create table pgq.stat_periods (
  unit text not null,
  began_at timestamptz not null,
  queue text not null,
  task text not null,
  outcome text not null,
  jobs bigint not null,
  wait_us bigint not null,
  run_us bigint not null,
  waits numeric,
  runs numeric,
  constraint stat_periods_pkey primary key (unit, began_at, queue, task, outcome),
  constraint stat_periods_unit_is_known check (unit in ('minute', 'hour', 'day')),
  constraint stat_periods_outcome_is_known check (
    outcome in (
      'succeeded', 'failed', 'cancelled', 'expired', 'retried', 'snoozed', 'released', 'lost'
    )
  )
) with (
  fillfactor = 70,
  autovacuum_vacuum_cost_delay = 0
);

comment on table pgq.stat_periods is
  'What happened in each minute of two days, each hour of 60 days and each day of 400 days before.';
comment on column pgq.stat_periods.unit is
  'minute, or hour, when its minutes are two days old, or day (UTC), when hours are 60 days old.';
comment on column pgq.stat_periods.began_at is 'Its beginning, by the clock of the settles.';
comment on column pgq.stat_periods.queue is 'The queue.';
comment on column pgq.stat_periods.task is
  'The task; (other) if there are too many to name.';
comment on column pgq.stat_periods.outcome is 'As in stat_deltas.';
comment on column pgq.stat_periods.jobs is 'How many jobs.';
comment on column pgq.stat_periods.wait_us is
  'How long claimed jobs had waited, summed, in microseconds.';
comment on column pgq.stat_periods.run_us is 'How long they ran, summed, in microseconds.';
comment on column pgq.stat_periods.waits is
  'How many waited how long: twelve digits for each bucket; null if none was claimed.';
comment on column pgq.stat_periods.runs is 'How many ran how long, like waits; null if none ran.';
