create table pgq.stat_error_hours (
  hour timestamptz not null,
  queue text not null,
  task text not null,
  fingerprint text not null,
  attempts bigint not null,
  constraint stat_error_hours_pkey primary key (hour, queue, task, fingerprint)
) with (
  fillfactor = 70,
  autovacuum_vacuum_cost_delay = 0
);

comment on table pgq.stat_error_hours is
  'How many attempts each error ended in each hour; kept for sixty days.';
comment on column pgq.stat_error_hours.hour is 'When, by the clock of the settles.';
comment on column pgq.stat_error_hours.queue is 'The queue; (other) if an hour has too many.';
comment on column pgq.stat_error_hours.task is 'As in stat_errors.';
comment on column pgq.stat_error_hours.fingerprint is 'As in stat_errors.';
comment on column pgq.stat_error_hours.attempts is 'How many attempts it ended.';
