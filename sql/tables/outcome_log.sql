/*
 * How jobs and runs ended, for those who follow: see follow_outcomes(). The fold of stat_deltas
 * fills it while somebody follows.
 *
 * One fold runs at a time, so rows become visible in the order of their ids. A client that has
 * read up to an id has missed nothing before it, even if a settle commits late.
 */
create table pgq.outcome_log (
  id bigint generated always as identity,
  noted_at timestamptz not null,
  minute timestamptz not null,
  queue text not null,
  task text not null,
  outcome text not null,
  job_ids bigint[] not null,
  attempts integer[],
  constraint outcome_log_pkey primary key (id)
);

comment on table pgq.outcome_log is
  'How jobs and runs ended, for those who follow; kept for an hour.';
comment on column pgq.outcome_log.id is 'Rises in the order in which the rows become visible.';
comment on column pgq.outcome_log.noted_at is 'When it was noted here.';
comment on column pgq.outcome_log.minute is
  'The minute in which it happened, by the clock of the settle.';
comment on column pgq.outcome_log.queue is 'The queue.';
comment on column pgq.outcome_log.task is 'The task.';
comment on column pgq.outcome_log.outcome is 'As in stat_deltas.';
comment on column pgq.outcome_log.job_ids is 'The jobs of one settle.';
comment on column pgq.outcome_log.attempts is
  'Which attempt of each it was; null if the jobs succeeded, in their last one.';
