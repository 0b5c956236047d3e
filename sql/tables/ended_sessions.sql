/*
 * Only inserted into while its worker may live, so that its next heartbeat waits for nobody. Two
 * who look at once may each write a row; the earlier one counts.
 */
create table pgq.ended_sessions (
  id bigint generated always as identity,
  worker_id bigint not null,
  backend_pid bigint not null,
  seen_at timestamptz not null,
  constraint ended_sessions_pkey primary key (id)
);

comment on table pgq.ended_sessions is
  'Sessions of workers that are gone: who is not heard of after that is dead.';
comment on column pgq.ended_sessions.id is 'Names the row.';
comment on column pgq.ended_sessions.worker_id is 'Whose session it was.';
comment on column pgq.ended_sessions.backend_pid is 'The session''s number on its server.';
comment on column pgq.ended_sessions.seen_at is 'When it was first seen that it is gone.';
