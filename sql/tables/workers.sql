create table pgq.workers (
  id bigint generated always as identity,
  name text not null,
  queues text[] not null,
  tasks text[],
  concurrency integer not null,
  host text,
  pid bigint,
  version text,
  started_at timestamptz not null,
  heartbeat_at timestamptz not null,
  lease interval not null,
  backend_pid bigint,
  backend_timeline text,
  backend_server_started_at timestamptz,
  backend_since timestamptz,
  idle boolean not null default false,
  protocol integer not null default 1,
  clock_ahead interval,
  pid_space text,
  constraint workers_pkey primary key (id),
  constraint workers_queues_are_named check (cardinality(queues) > 0),
  constraint workers_concurrency_is_positive check (concurrency > 0),
  constraint workers_lease_is_positive check (lease >= interval '1 second')
) with (
  fillfactor = 50,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 500,
  autovacuum_vacuum_cost_delay = 0
);

comment on table pgq.workers is 'Worker processes that are alive, as far as the database knows.';
comment on column pgq.workers.id is 'The id of the worker; a restarted process gets a new one.';
comment on column pgq.workers.name is 'For people: host and process, unless chosen otherwise.';
comment on column pgq.workers.queues is 'Its queue selectors: exact names, prefix* or *.';
comment on column pgq.workers.tasks is 'The tasks that it knows; null: all.';
comment on column pgq.workers.concurrency is 'How many jobs it runs at once.';
comment on column pgq.workers.host is 'The machine that it runs on.';
comment on column pgq.workers.pid is 'Its process id on that machine.';
comment on column pgq.workers.version is 'The version of its client library.';
comment on column pgq.workers.started_at is 'When it registered.';
comment on column pgq.workers.heartbeat_at is 'When its last heartbeat was.';
comment on column pgq.workers.lease is
  'If it is silent for longer than this, it is given up, and its jobs run elsewhere.';
comment on column pgq.workers.backend_pid is
  'Its server session, if it is a direct one; if that ends, silence gets it given up sooner.';
comment on column pgq.workers.backend_timeline is
  'The timeline of the server of that session; it changes with a failover.';
comment on column pgq.workers.backend_server_started_at is
  'When that server started; a restarted one may reuse the process ids of sessions.';
comment on column pgq.workers.backend_since is 'Since when the session has been known.';
comment on column pgq.workers.idle is
  'Whether its last claim found nothing, so that ready jobs must wake it.';
comment on column pgq.workers.protocol is
  'The protocol between client and schema that it was made for.';
comment on column pgq.workers.clock_ahead is
  'How far its machine''s clock was ahead of the database''s when it registered; negative: behind.';
comment on column pgq.workers.pid_space is
  'Workers with the same value see the same processes under the same pids.';
