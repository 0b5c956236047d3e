create table pgq.queues (
  name text not null,
  paused_at timestamptz,
  paused_until timestamptz,
  backoff jsonb,
  max_running integer,
  rate_limit integer,
  rate_interval interval,
  rate_burst integer,
  rate_per_key boolean,
  fair boolean,
  pauses tstzmultirange,
  constraint queues_pkey primary key (name),
  constraint queues_name_is_short check (length(name) between 1 and 128),
  constraint queues_limits_are_not_negative check (
    max_running >= 0 and rate_limit >= 0 and rate_burst >= 1
  ),
  constraint queues_paused_until_needs_paused_at check (
    paused_until is null or paused_at is not null
  )
);

-- Every enqueue asks whether such a queue exists at all.
create index queues_in_turn_idx on pgq.queues (name) where fair or rate_per_key;

comment on table pgq.queues is
  'Queues that differ from the default; a queue without a row here is an ordinary one.';
comment on column pgq.queues.name is 'The queue, as jobs name it.';
comment on column pgq.queues.paused_at is
  'Since when nothing is claimed from it; null: not paused.';
comment on column pgq.queues.paused_until is
  'When the pause ends by itself; null: at resume_queue().';
comment on column pgq.queues.backoff is
  'The backoff of jobs without their own; null: the default.';
comment on column pgq.queues.max_running is
  'How many of its jobs may run at a time, over all workers; null: no limit.';
comment on column pgq.queues.rate_limit is
  'How many of its jobs may be claimed per rate_interval; 0: none, null: no limit.';
comment on column pgq.queues.rate_interval is 'The interval of rate_limit; null: a second.';
comment on column pgq.queues.rate_burst is
  'How many may be claimed at once after a time without claims; null: rate_limit.';
comment on column pgq.queues.rate_per_key is
  'Whether each partition_key has its own rate limit.';
comment on column pgq.queues.fair is 'Whether claims serve the partition keys in turn.';
comment on column pgq.queues.pauses is
  'Its last hundred pauses: no worker could claim its jobs then.';
