/*
 * Where a claim may start in the ready lane.
 *
 * While some session holds an old snapshot, deleted rows of the lane cannot be vacuumed, and every
 * claim would walk over all of them. Then maintain() stores, per queue and priority, a position in
 * claim order before which no row is left, except for rows of a few transactions that it lists:
 * those that were in progress, and those that have committed since and have rows left. All others
 * have ended, and an ended transaction adds no rows, so no other row can appear before the mark
 * later. Decision 0055 says why this is true under any interleaving.
 *
 * Transaction ids mean nothing after a restore or on another server, so a mark counts only until
 * the server is restarted.
 */
create table pgq.ready_marks (
  queue text not null,
  priority integer not null,
  ready_xid xid8 not null,
  job_id bigint not null,
  older_xids xid8[] not null default '{}',
  older_job_ids bigint[] not null default '{}',
  until_xid xid8 not null default pg_snapshot_xmin(pg_current_snapshot()),
  server_started_at timestamptz not null default pg_postmaster_start_time(),
  constraint ready_marks_pkey primary key (queue, priority),
  constraint ready_marks_older_go_together check (
    cardinality(older_xids) = cardinality(older_job_ids)
  )
) with (fillfactor = 50);

comment on table pgq.ready_marks is 'Where claims start in the ready lane while dead rows pile up.';
comment on column pgq.ready_marks.queue is 'The queue.';
comment on column pgq.ready_marks.priority is 'The priority.';
comment on column pgq.ready_marks.ready_xid is
  'No row of this queue and priority of an older transaction is left,';
comment on column pgq.ready_marks.job_id is 'and none of this transaction before this job.';
comment on column pgq.ready_marks.older_xids is
  'Except for rows of these transactions, in their order,';
comment on column pgq.ready_marks.older_job_ids is 'from these jobs on.';
comment on column pgq.ready_marks.until_xid is
  'The next transaction id when the mark was made: older ones had begun by then.';
comment on column pgq.ready_marks.server_started_at is
  'The mark counts only until the server is restarted.';
