/*
 * What must be done to all jobs that fit some filters. The filters, the states and the highest id
 * are fixed at the start. maintain() does it page by page. A page is committed together with the
 * place that it came to, so nothing is done twice.
 *
 * The session that locks the row does the next page.
 */
create table pgq.bulk_operations (
  id bigint generated always as identity,
  action text not null,
  wanted pgq.job_filters not null,
  highest_id bigint not null,
  priority bigint,
  run_at timestamptz,
  spread interval,
  login text not null default session_user,
  actor text,
  created_at timestamptz not null,
  starts_at timestamptz not null,
  jobs bigint not null,
  is_exact boolean not null,
  first_id bigint not null,
  due_at timestamptz,
  begun_at timestamptz,
  last_id bigint not null default 0,
  rounds bigint not null default 0,
  busy bigint[] not null default '{}',
  still_busy bigint[] not null default '{}',
  outcomes jsonb not null default '{}',
  examples jsonb not null default '{}',
  failures bigint not null default 0,
  error text,
  ended_at timestamptz,
  ending text,
  constraint bulk_operations_pkey primary key (id),
  constraint bulk_operations_action_is_known check (
    action in ('retry', 'cancel', 'discard', 'reprioritise', 'run_now', 'redrive')
  ),
  constraint bulk_operations_have_states check (coalesce(cardinality((wanted).states), 0) > 0),
  constraint bulk_operations_priority_is_for_reprioritise check (
    (priority is not null) = (action = 'reprioritise')
  ),
  constraint bulk_operations_time_is_for_retry check (
    action = 'retry' or (run_at is null and spread is null)
  ),
  constraint bulk_operations_are_due_or_have_ended check (
    (due_at is null) = (ended_at is not null) and (ended_at is null) = (ending is null)
  ),
  constraint bulk_operations_ending_is_known check (
    ending in ('undone', 'stopped', 'finished', 'failed')
  ),
  constraint bulk_operations_fail_with_an_error check ((failures > 0) = (error is not null))
) with (fillfactor = 50);

create index bulk_operations_due_idx on pgq.bulk_operations (due_at) where due_at is not null;
create index bulk_operations_prune_idx on pgq.bulk_operations (ended_at)
where ended_at is not null;

comment on table pgq.bulk_operations is
  'What must be done to all jobs that fit some filters; see bulk_start().';
comment on column pgq.bulk_operations.id is 'The operation.';
comment on column pgq.bulk_operations.action is
  'What it does: retry, cancel, discard, reprioritise, run_now or redrive.';
comment on column pgq.bulk_operations.wanted is
  'The jobs that it changes fit all of these, and have not ended since.';
comment on column pgq.bulk_operations.highest_id is
  'The highest id when it was made; newer jobs are not changed.';
comment on column pgq.bulk_operations.priority is 'The new priority, for reprioritise.';
comment on column pgq.bulk_operations.run_at is
  'When retried jobs run at the earliest; null means now.';
comment on column pgq.bulk_operations.spread is 'The time over which retries are spread.';
comment on column pgq.bulk_operations.login is 'The login that made it.';
comment on column pgq.bulk_operations.actor is 'Who made it, as the application says.';
comment on column pgq.bulk_operations.created_at is 'When it was made.';
comment on column pgq.bulk_operations.starts_at is 'When it starts; until then it can be undone.';
comment on column pgq.bulk_operations.jobs is 'How many jobs fitted when it was made.';
comment on column pgq.bulk_operations.is_exact is
  'Whether these were all; otherwise there were more.';
comment on column pgq.bulk_operations.first_id is 'Up to here no job fitted.';
comment on column pgq.bulk_operations.due_at is 'When its next page is due; null if it has ended.';
comment on column pgq.bulk_operations.begun_at is 'When its first page was done.';
comment on column pgq.bulk_operations.last_id is 'The last job that it has come to.';
comment on column pgq.bulk_operations.rounds is
  'How often it has gone back to jobs that others held.';
comment on column pgq.bulk_operations.busy is
  'The jobs that it must still go back to in this round.';
comment on column pgq.bulk_operations.still_busy is
  'Jobs that others still hold, for the next round.';
comment on column pgq.bulk_operations.outcomes is 'How many jobs had which outcome.';
comment on column pgq.bulk_operations.examples is 'The first 100 of them, by outcome.';
comment on column pgq.bulk_operations.failures is 'How often in a row a page has failed.';
comment on column pgq.bulk_operations.error is
  'The error of the last page that failed, its SQLSTATE first.';
comment on column pgq.bulk_operations.ended_at is 'When it ended.';
comment on column pgq.bulk_operations.ending is
  'How it ended: undone (before it began), stopped, finished, or failed (five times in a row).';
