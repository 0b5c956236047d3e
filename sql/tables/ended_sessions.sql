/*
 * While the worker may live, rows are only inserted, so its next heartbeat waits for nobody. Two
 * sessions that see the end at the same time may both insert a row; the earlier one counts.
 */
create table pgq.ended_sessions (
  id bigint generated always as identity,
  worker_id bigint not null,
  backend_pid bigint not null,
  seen_at timestamptz not null,
  constraint ended_sessions_pkey primary key (id)
);

comment on table pgq.ended_sessions is
  'Sessions of workers that have ended: a worker that stays silent after that is dead.';
comment on column pgq.ended_sessions.id is 'The id of the row.';
comment on column pgq.ended_sessions.worker_id is 'Whose session it was.';
comment on column pgq.ended_sessions.backend_pid is 'The process id of the session on its server.';
comment on column pgq.ended_sessions.seen_at is 'When somebody saw that it had ended.';
