/*
 * Where a claim may start in the ready lane.
 *
 * While some session holds an old snapshot, deleted rows of the lane cannot be vacuumed, and every
 * claim would walk over all of them. Then maintain() stores, per queue and priority, a position in
 * claim order before which no row is left. Its transaction id is never above the oldest transaction
 * in progress, and an ended transaction adds no rows, so no row can appear before the mark later.
 * Transaction ids mean nothing after a restore or on another server, so a mark counts only until
 * the server is restarted.
 */
create table pgq.ready_marks (
  queue text not null,
  priority integer not null,
  ready_xid xid8 not null,
  job_id bigint not null,
  server_started_at timestamptz not null default pg_postmaster_start_time(),
  constraint ready_marks_pkey primary key (queue, priority)
) with (fillfactor = 50);

comment on table pgq.ready_marks is 'Where claims start in the ready lane while dead rows pile up.';
comment on column pgq.ready_marks.queue is 'The queue.';
comment on column pgq.ready_marks.priority is 'The priority.';
comment on column pgq.ready_marks.ready_xid is
  'No row of this queue and priority of an older transaction is left,';
comment on column pgq.ready_marks.job_id is 'and none of this transaction before this job.';
comment on column pgq.ready_marks.server_started_at is
  'The mark counts only until the server is restarted.';
