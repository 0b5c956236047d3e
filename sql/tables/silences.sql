/*
 * The worker that ends a silence inserts a row, in the transaction of its heartbeat. Rows are only
 * inserted, so nobody waits. If several workers come back at the same time, each may insert a row.
 */
create table pgq.silences (
  id bigint generated always as identity,
  began_at timestamptz not null,
  ended_at timestamptz not null,
  constraint silences_pkey primary key (id)
);

create index silences_ended_idx on pgq.silences (ended_at);

comment on table pgq.silences is
  'Times in which no worker at all sent a heartbeat: no worker counts as silent for them.';
comment on column pgq.silences.id is 'The id of the row.';
comment on column pgq.silences.began_at is 'When the last heartbeat before it was.';
comment on column pgq.silences.ended_at is 'When the first heartbeat after it was.';
