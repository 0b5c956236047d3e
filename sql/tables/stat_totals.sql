/*
 * What metrics() answers as counters. Each has a row for itself, so that none ever goes back: 200
 * pairs of queue and task, 200 queues (without a task), and (other), twice, for the rest. Who has a
 * place keeps it, unless places become few and it was not counted for a day. How often it had each
 * outcome is then in a row without a queue, which nobody is told.
 */
create table pgq.stat_totals (
  queue text not null,
  task text not null,
  succeeded bigint not null default 0,
  failed bigint not null default 0,
  cancelled bigint not null default 0,
  expired bigint not null default 0,
  retried bigint not null default 0,
  snoozed bigint not null default 0,
  released bigint not null default 0,
  lost bigint not null default 0,
  wait_us bigint not null default 0,
  run_us bigint not null default 0,
  waits bigint[] not null default '{0,0,0,0,0,0,0,0,0,0,0}',
  runs bigint[] not null default '{0,0,0,0,0,0,0,0,0,0,0}',
  constraint stat_totals_pkey primary key (queue, task),
  constraint stat_totals_have_all_bounds check (
    cardinality(waits) = 11 and cardinality(runs) = 11
  )
) with (
  fillfactor = 50,
  autovacuum_vacuum_cost_delay = 0
);

comment on table pgq.stat_totals is
  'What has happened since statistics began, as counters that only grow.';
comment on column pgq.stat_totals.queue is
  'The queue; (other): of those that have no place; empty: of those that have lost theirs.';
comment on column pgq.stat_totals.task is
  'The task; (other): of those that have no place; empty: all of the queue.';
comment on column pgq.stat_totals.succeeded is 'How many jobs succeeded.';
comment on column pgq.stat_totals.failed is 'How many jobs failed for good.';
comment on column pgq.stat_totals.cancelled is 'How many jobs were cancelled.';
comment on column pgq.stat_totals.expired is 'How many jobs expired.';
comment on column pgq.stat_totals.retried is 'How many attempts failed that were not the last.';
comment on column pgq.stat_totals.snoozed is 'How many runs were put off.';
comment on column pgq.stat_totals.released is 'How many claims were given back.';
comment on column pgq.stat_totals.lost is 'How many runs were lost, beside what followed.';
comment on column pgq.stat_totals.wait_us is
  'How long claimed jobs had waited, summed, in microseconds.';
comment on column pgq.stat_totals.run_us is 'How long they ran, summed, in microseconds.';
comment on column pgq.stat_totals.waits is
  'How many waited up to 4^-4 seconds, up to 4^-3, and so on up to 4^5, and all of them.';
comment on column pgq.stat_totals.runs is 'How many ran so long, like waits.';
