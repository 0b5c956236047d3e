create table pgq.queues (
  name text not null,
  paused_at timestamptz,
  paused_until timestamptz,
  backoff jsonb,
  constraint queues_pkey primary key (name),
  constraint queues_name_is_short check (length(name) between 1 and 128),
  constraint queues_paused_until_needs_paused_at check (
    paused_until is null or paused_at is not null
  )
);

comment on table pgq.queues is
  'Queues that differ from the default; a queue without a row here is an ordinary one.';
comment on column pgq.queues.name is 'The queue, as jobs name it.';
comment on column pgq.queues.paused_at is
  'Since when nothing is claimed from it; null: not paused.';
comment on column pgq.queues.paused_until is
  'When the pause ends by itself; null: at resume_queue().';
comment on column pgq.queues.backoff is
  'How long its jobs wait before a retry unless they say so themselves; null: the default.';
