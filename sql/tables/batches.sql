/*
 * Jobs that are counted together, and what to enqueue when the last of them has ended. Nothing
 * here changes while they run: who still lives is seen in jobs, what came of the others in
 * job_history. Those that leave the history are counted here as they go.
 */
create table pgq.batches (
  id bigint generated always as identity,
  description text,
  on_success jsonb,
  on_finish jsonb,
  on_failure jsonb,
  created_at timestamptz not null,
  closed_at timestamptz,
  finished_at timestamptz,
  succeeded boolean,
  forgotten_succeeded bigint not null default 0,
  forgotten_failed bigint not null default 0,
  forgotten_cancelled bigint not null default 0,
  forgotten_expired bigint not null default 0,
  constraint batches_pkey primary key (id),
  constraint batches_are_closed_before_they_finish check (
    finished_at is null or closed_at is not null
  ),
  constraint batches_say_how_they_finished check ((finished_at is null) = (succeeded is null))
) with (fillfactor = 70, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);

create index batches_prune_idx on pgq.batches (finished_at) where finished_at is not null;

comment on table pgq.batches is 'Jobs that are counted together, with what follows them.';
comment on column pgq.batches.id is 'Names the batch; jobs.batch_id says who belongs to it.';
comment on column pgq.batches.description is 'For people.';
comment on column pgq.batches.on_success is
  'Enqueued when it has finished and every job succeeded.';
comment on column pgq.batches.on_finish is 'Enqueued when it has finished.';
comment on column pgq.batches.on_failure is
  'Enqueued when it has finished and some job did not succeed.';
comment on column pgq.batches.created_at is 'When it was made.';
comment on column pgq.batches.closed_at is 'Since when its last job finishes it; null: it is open.';
comment on column pgq.batches.finished_at is 'When its last job had ended, and it was closed.';
comment on column pgq.batches.succeeded is 'Whether every job had succeeded by then.';
comment on column pgq.batches.forgotten_succeeded is
  'Jobs that had succeeded and were discarded, or went with the history.';
comment on column pgq.batches.forgotten_failed is
  'Jobs that had failed and were discarded, or went with the history.';
comment on column pgq.batches.forgotten_cancelled is
  'Jobs that had been cancelled and were discarded, or went with the history.';
comment on column pgq.batches.forgotten_expired is
  'Jobs that had expired and were discarded, or went with the history.';
