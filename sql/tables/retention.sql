/*
 * How long finished jobs are kept: of all queues (both names empty), of a queue, or of a task.
 * The task goes first, then the queue, then the row for all, then the setting keep_history_for.
 */
create table pgq.retention (
  queue text not null default '',
  task text not null default '',
  succeeded interval,
  failed interval,
  cancelled interval,
  results interval,
  schedule_history interval,
  constraint retention_pkey primary key (queue, task),
  constraint retention_is_of_a_queue_or_a_task check (queue = '' or task = '')
);

-- Settles look at its size, see _may_leave_no_row().
create index retention_keeps_none_idx on pgq.retention (queue, task)
where succeeded = interval '0';

comment on table pgq.retention is
  'How long finished jobs are kept, where it is not the setting keep_history_for.';
comment on column pgq.retention.queue is 'The queue; empty: not of one queue.';
comment on column pgq.retention.task is 'The task; empty: not of one task.';
comment on column pgq.retention.succeeded is
  'How long jobs that succeeded are kept; zero: they leave no row, see _leave_no_row().';
comment on column pgq.retention.failed is 'How long jobs that failed are kept.';
comment on column pgq.retention.cancelled is
  'How long jobs that were cancelled or expired are kept.';
comment on column pgq.retention.results is
  'How long results are kept; null: as long as their jobs.';
comment on column pgq.retention.schedule_history is
  'How long it is kept what the ticks of schedules did.';
