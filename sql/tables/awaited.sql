/*
 * Sessions that wait only insert, so they lock nothing. A row is deleted when its job ends.
 */
create table pgq.awaited (
  job_id bigint not null,
  until_at timestamptz not null,
  id bigint generated always as identity,
  constraint awaited_pkey primary key (job_id, id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

create index awaited_until_idx on pgq.awaited (until_at);

comment on table pgq.awaited is 'Live jobs whose end somebody waits for.';
comment on column pgq.awaited.job_id is 'The job.';
comment on column pgq.awaited.until_at is 'How long.';
comment on column pgq.awaited.id is
  'Makes each row unique, so that two sessions that ask for the same never wait for each other.';
