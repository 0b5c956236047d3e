/*
 * Where a claim may start in the ready lane.
 *
 * While some session holds an old snapshot, deleted rows of the lane cannot be vacuumed, and every
 * claim would walk over all of them. maintain() then notes, per queue and priority, a position in
 * claim order below which no row is left. Its transaction id is never above the oldest transaction
 * in progress, and a finished one adds no rows, so no row can appear below the mark later.
 * Transaction ids mean nothing after a restore or on another server, so a mark only counts while
 * the server process that it was made on lives.
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
  'No row of this queue and priority is left below it,';
comment on column pgq.ready_marks.job_id is 'nor of this transaction below this job.';
comment on column pgq.ready_marks.server_started_at is
  'The mark counts only on the server process that made it.';
