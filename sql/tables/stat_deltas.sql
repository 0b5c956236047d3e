/*
 * Outcomes that are not in the statistics yet. Each settle inserts a row for each queue, task and
 * outcome of its call, in its own transaction. The step `statistics` of maintain() counts these
 * rows and deletes them. So if a settle commits an hour late, it is counted then, in the minute in
 * which it happened.
 *
 * The key begins with the transaction, so that a fold need not read what the last one deleted: see
 * stat_folds. There is no CHECK, because every settle would pay for it; verify() checks the rows.
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
  'How long claimed jobs had waited, summed, in microseconds.';
comment on column pgq.stat_deltas.run_us is 'How long they ran, summed, in microseconds.';
comment on column pgq.stat_deltas.queue is 'The queue.';
comment on column pgq.stat_deltas.task is 'The task.';
comment on column pgq.stat_deltas.outcome is
  'The final state; retried, snoozed or released if the job goes on; lost, beside what followed.';
comment on column pgq.stat_deltas.waits is
  'How long each waited: a letter for each, which says its bucket.';
comment on column pgq.stat_deltas.runs is
  'How long each ran: a letter for each, which says its bucket.';
comment on column pgq.stat_deltas.error is
  'If the outcome is error: the error that ended these attempts, for error_groups.';
comment on column pgq.stat_deltas.job_ids is 'The jobs; null while nobody follows outcomes.';
comment on column pgq.stat_deltas.attempts is
  'Which attempt of each it was; null for those that succeeded.';
