/*
 * Which jobs hold a semaphore: a row per ready or running job with a concurrency key. Slots are
 * counted from these rows, under the lock of the key, and a row is deleted with its job. So no slot
 * can be lost.
 *
 * A job in strict order keeps its slot from its turn to its end, also while it is scheduled. If it
 * fails and its order says block, it keeps the slot until somebody decides.
 */
create table pgq.slots (
  job_id bigint not null,
  concurrency_key text not null,
  weight integer not null,
  expires_at timestamptz,
  taken_xid xid8 not null default pg_current_xact_id(),
  in_order text,
  constraint slots_pkey primary key (job_id)
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 5000,
  autovacuum_vacuum_cost_delay = 0
);

create index slots_key_idx on pgq.slots (concurrency_key, taken_xid);
create index slots_expire_idx on pgq.slots (expires_at) where expires_at is not null;

comment on table pgq.slots is
  'Jobs that hold a semaphore: those that are ready or running, or whose turn it is.';
comment on column pgq.slots.job_id is 'The job.';
comment on column pgq.slots.concurrency_key is 'The semaphore.';
comment on column pgq.slots.weight is 'How many slots it takes.';
comment on column pgq.slots.expires_at is
  'When it stops counting even if the job has not ended; null: never.';
comment on column pgq.slots.taken_xid is 'The transaction that took it: see key_marks.';
comment on column pgq.slots.in_order is
  'Of a job in strict order, what its failure does: continue or block; null: no strict order.';
