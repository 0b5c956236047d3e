/*
 * Only written by who breaks a silence, in the transaction of that heartbeat, and only inserted
 * into: nobody waits for anybody. Several who come back at once may each write a row.
 */
create table pgq.silences (
  id bigint generated always as identity,
  began_at timestamptz not null,
  ended_at timestamptz not null,
  constraint silences_pkey primary key (id)
);

create index silences_ended_idx on pgq.silences (ended_at);

comment on table pgq.silences is
  'When no worker at all was heard of: for that time none counts as silent.';
comment on column pgq.silences.id is 'Names the row.';
comment on column pgq.silences.began_at is 'When somebody was last heard of.';
comment on column pgq.silences.ended_at is 'When somebody was heard of again.';
