/*
 * Where to start among the slots and the waiters of a semaphore, or among the counted claims of a
 * queue.
 *
 * While some session holds an old snapshot, deleted rows cannot be vacuumed, and who looks at
 * those of a key would walk over all that it ever had. So a promotion or a claim now and then notes
 * what it found: no row of this key is left before here. The transaction ids in it are never above
 * the oldest transaction in progress, and a finished one adds no rows: what a mark says stays true.
 * So nobody needs a lock to write one, to read one or to delete one.
 *
 * Rows are only inserted, and the newest of a key is read by one step of the index: a row that was
 * updated a thousand times under the same snapshot would itself be walked. maintain() deletes all
 * of them when vacuum has caught up. Transaction ids mean nothing on another server, so a mark only
 * counts while the server process that it was made on lives.
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
  'Where to look from among the rows of a semaphore or a limited queue while dead rows pile up.';
comment on column pgq.key_marks.lane is 'slots: a semaphore; running: a queue with max_running.';
comment on column pgq.key_marks.key is 'The semaphore, or the queue.';
comment on column pgq.key_marks.id is 'The newest counts.';
comment on column pgq.key_marks.first_xid is
  'No slot, or counted claim, of an older transaction is left.';
comment on column pgq.key_marks.priorities is
  'Of a semaphore: waiters from this priority,';
comment on column pgq.key_marks.waiting_xids is 'this transaction,';
comment on column pgq.key_marks.job_ids is 'and this job on,';
comment on column pgq.key_marks.belows is
  'up to this priority, may be left; by place, and all others are gone.';
comment on column pgq.key_marks.server_started_at is
  'The mark counts only on the server process that made it.';
