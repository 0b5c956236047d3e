/*
 * Like awaited, for batches: those who wait only insert. A row goes when its batch finishes.
 */
create table pgq.awaited_batches (
  batch_id bigint not null,
  until_at timestamptz not null,
  id bigint generated always as identity,
  constraint awaited_batches_pkey primary key (batch_id, id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

create index awaited_batches_until_idx on pgq.awaited_batches (until_at);

comment on table pgq.awaited_batches is
  'Batches of whose finish somebody wants to be notified.';
comment on column pgq.awaited_batches.batch_id is 'The batch.';
comment on column pgq.awaited_batches.until_at is 'How long.';
comment on column pgq.awaited_batches.id is
  'Makes each row one of its own, so that nobody waits for another who asks the same.';
