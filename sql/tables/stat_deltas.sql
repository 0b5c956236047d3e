/*
 * Outcomes that are not in the statistics yet: each settle inserts a row for each queue, task and
 * outcome in its call, in its own transaction. The step statistics of maintain() deletes the rows
 * that it counts; so a settle that commits an hour late is counted then, in its own minute.
 *
 * The key begins with the transaction, so that the next fold need not look at what the last one has
 * deleted, see stat_folds. No CHECK, since every settle would read it: verify() looks.
 */
create table pgq.stat_deltas (
  xid xid8 not null default pg_current_xact_id(),
  id bigint generated always as identity,
  minute timestamptz not null,
  jobs bigint not null,
  wait_us bigint not null,
  run_us bigint not null,
  queue text not null,
  task text not null,
  outcome text not null,
  waits text not null,
  runs text not null,
  error jsonb,
  job_ids bigint[],
  attempts integer[],
  constraint stat_deltas_pkey primary key (xid, id)
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_insert_scale_factor = 0.2,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 10000,
  autovacuum_vacuum_cost_delay = 0
);

comment on table pgq.stat_deltas is 'Outcomes that are not in the statistics yet.';
comment on column pgq.stat_deltas.xid is 'The transaction that counted.';
comment on column pgq.stat_deltas.id is 'Tells rows of one transaction apart.';
comment on column pgq.stat_deltas.minute is 'When, by the clock of the settle.';
comment on column pgq.stat_deltas.jobs is 'How many jobs.';
comment on column pgq.stat_deltas.wait_us is
  'How long those that were claimed had waited for it, summed, in microseconds.';
comment on column pgq.stat_deltas.run_us is 'How long they ran, summed, in microseconds.';
comment on column pgq.stat_deltas.queue is 'The queue.';
comment on column pgq.stat_deltas.task is 'The task.';
comment on column pgq.stat_deltas.outcome is
  'How it ended, or retried, snoozed, released: it goes on; lost: beside what follows from it.';
comment on column pgq.stat_deltas.waits is 'How long each waited, a letter each: its bucket.';
comment on column pgq.stat_deltas.runs is 'How long each ran, a letter each: its bucket.';
comment on column pgq.stat_deltas.error is
  'With outcome error: what ended these attempts, for error_groups, beside the rows of outcomes.';
comment on column pgq.stat_deltas.job_ids is 'The jobs; null while nobody follows outcomes.';
comment on column pgq.stat_deltas.attempts is
  'Which attempt of each it was; null for those that succeeded.';
