/*
 * Like awaited, for batches: sessions that wait only insert. A row is deleted when its batch
 * finishes.
 */
create table pgq.awaited_batches (
  batch_id bigint not null,
  until_at timestamptz not null,
  id bigint generated always as identity,
  constraint awaited_batches_pkey primary key (batch_id, id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

create index awaited_batches_until_idx on pgq.awaited_batches (until_at);

comment on table pgq.awaited_batches is
  'Batches whose end somebody waits for.';
comment on column pgq.awaited_batches.batch_id is 'The batch.';
comment on column pgq.awaited_batches.until_at is 'How long.';
comment on column pgq.awaited_batches.id is
  'Makes each row unique, so that two sessions that ask for the same never wait for each other.';
