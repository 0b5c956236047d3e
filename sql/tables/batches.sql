/*
 * Jobs that are counted together, and the follow-up jobs to enqueue when the last of them has
 * ended. A row does not change while jobs run: live jobs are counted in jobs, and ended ones in
 * job_history. Jobs that leave the history are counted here at that time.
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

comment on table pgq.batches is 'Jobs that are counted together, with their follow-up jobs.';
comment on column pgq.batches.id is 'The id of the batch; its jobs have it as batch_id.';
comment on column pgq.batches.description is 'For people.';
comment on column pgq.batches.on_success is
  'Enqueued when it has finished and every job succeeded.';
comment on column pgq.batches.on_finish is 'Enqueued when it has finished.';
comment on column pgq.batches.on_failure is
  'Enqueued when it has finished and some job did not succeed.';
comment on column pgq.batches.created_at is 'When it was made.';
comment on column pgq.batches.closed_at is 'When it was closed; null: it is open.';
comment on column pgq.batches.finished_at is 'When it was closed and its last job had ended.';
comment on column pgq.batches.succeeded is 'Whether every job had succeeded by then.';
comment on column pgq.batches.forgotten_succeeded is
  'Jobs that had succeeded and were discarded, or dropped with the history.';
comment on column pgq.batches.forgotten_failed is
  'Jobs that had failed and were discarded, or dropped with the history.';
comment on column pgq.batches.forgotten_cancelled is
  'Jobs that had been cancelled and were discarded, or dropped with the history.';
comment on column pgq.batches.forgotten_expired is
  'Jobs that had expired and were discarded, or dropped with the history.';
