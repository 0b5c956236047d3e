/*
 * Notes about events that may unblock other jobs: a parent ended, a slot was given back, a job
 * began to wait for a slot, a job of a batch ended. promote_due handles them. Rows are inserted and
 * deleted, never updated, and each names a parent, a semaphore or a batch.
 */
create table pgq.releases (
  id bigint generated always as identity,
  parent_id bigint,
  parent_succeeded boolean,
  concurrency_key text,
  batch_id bigint,
  constraint releases_pkey primary key (id)
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0
);

create index releases_parent_idx on pgq.releases (parent_id) where parent_id is not null;

comment on table pgq.releases is 'Notes about events that may unblock jobs.';
comment on column pgq.releases.id is 'The order in which promotion handles them.';
comment on column pgq.releases.parent_id is 'A job that ended while others depended on it.';
comment on column pgq.releases.parent_succeeded is
  'Whether the parent succeeded; null in other notes.';
comment on column pgq.releases.concurrency_key is 'A semaphore with a new slot or waiter.';
comment on column pgq.releases.batch_id is 'A batch one of whose jobs has ended.';
