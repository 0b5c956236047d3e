/*
 * What has happened that others are to be told: a parent ended, a slot was given back, a job of a
 * batch ended, a job lined up for a slot. Worked off by promote_due. Rows are inserted and deleted,
 * never updated, and name one of the three.
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

comment on table pgq.releases is 'What has happened that may let blocked jobs go on.';
comment on column pgq.releases.id is 'The order in which it is worked off.';
comment on column pgq.releases.parent_id is 'A job that ended while others depended on it.';
comment on column pgq.releases.parent_succeeded is
  'Whether it did what its children wait for; null for a semaphore.';
comment on column pgq.releases.concurrency_key is 'A semaphore with a slot or a waiter more.';
comment on column pgq.releases.batch_id is 'A batch that a job of ended.';
