/*
 * Where to start among the slots and the waiters of a semaphore, or among the counted claims of a
 * queue.
 *
 * While some session holds an old snapshot, deleted rows cannot be vacuumed, and a search for the
 * rows of a key would walk over all that it ever had. So a promotion or a claim sometimes stores
 * what it has found: before this place, no row of this key is left. The transaction ids of a mark
 * are never above the oldest transaction in progress, and an ended transaction adds no rows, so a
 * mark stays true. So nobody needs a lock to write, read or delete a mark.
 *
 * Rows are only inserted, and the newest of a key is found by one step in the index: if a row were
 * updated a thousand times under the same snapshot, a search would walk over all its versions.
 * maintain() deletes all marks when vacuum has caught up. Transaction ids mean nothing on another
 * server, so a mark counts only until the server is restarted.
 */
create table pgq.key_marks (
  lane text not null,
  key text not null,
  id bigint generated always as identity,
  first_xid xid8 not null,
  priorities bigint[],
  waiting_xids xid8[],
  job_ids bigint[],
  belows bigint[],
  server_started_at timestamptz not null default pg_postmaster_start_time(),
  constraint key_marks_pkey primary key (lane, key, id),
  constraint key_marks_lane_is_known check (lane in ('slots', 'running'))
);

comment on table pgq.key_marks is
  'Where the rows of a semaphore or a limited queue begin, while dead rows pile up.';
comment on column pgq.key_marks.lane is 'slots: a semaphore; running: a queue with max_running.';
comment on column pgq.key_marks.key is 'The semaphore, or the queue.';
comment on column pgq.key_marks.id is 'The newest counts.';
comment on column pgq.key_marks.first_xid is
  'No slot, or counted claim, of an older transaction exists.';
comment on column pgq.key_marks.priorities is
  'Of a semaphore: waiters from this priority,';
comment on column pgq.key_marks.waiting_xids is 'this transaction,';
comment on column pgq.key_marks.job_ids is 'and this job on,';
comment on column pgq.key_marks.belows is
  'up to this priority, may be left; by place, and all others are gone.';
comment on column pgq.key_marks.server_started_at is
  'The mark counts only until the server is restarted.';
