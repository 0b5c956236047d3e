/*
 * Where a claim with a list of tasks may start in the ready lane of a queue.
 *
 * Jobs of tasks that no worker of a queue knows stay at its head, and every claim would read all of
 * them. So a claim that has found less than it wanted, in a lane with many jobs, stores in the form
 * of ready_marks what holds for its tasks: before a place, no row of them is left. Rows are only
 * inserted, so it waits for nobody, and the newest counts. maintain() deletes the old ones, and all
 * when the lane is short.
 */
create table pgq.task_marks (
  queue text not null,
  tasks_key bigint not null,
  id bigint generated always as identity,
  tasks text[] not null,
  priorities bigint[] not null,
  ready_xids xid8[] not null,
  job_ids bigint[] not null,
  are_older boolean[] not null,
  until_xid xid8 not null,
  server_started_at timestamptz not null default pg_postmaster_start_time(),
  constraint task_marks_pkey primary key (queue, tasks_key, id)
);

comment on table pgq.task_marks is
  'Where claims for some tasks start in the ready lane while jobs of others pile up.';
comment on column pgq.task_marks.queue is 'The queue.';
comment on column pgq.task_marks.tasks_key is 'A hash of the tasks.';
comment on column pgq.task_marks.id is 'The newest counts.';
comment on column pgq.task_marks.tasks is
  'The tasks of the claim, in the order of their bytes; two lists may have one hash.';
comment on column pgq.task_marks.priorities is 'At this priority,';
comment on column pgq.task_marks.ready_xids is
  'no row of these tasks of an older transaction is left,';
comment on column pgq.task_marks.job_ids is 'and none of this transaction before this job,';
comment on column pgq.task_marks.are_older is
  'except for the rows of this transaction, if it is listed as an older one.';
comment on column pgq.task_marks.until_xid is 'As in ready_marks.';
comment on column pgq.task_marks.server_started_at is
  'The mark counts only until the server is restarted.';
