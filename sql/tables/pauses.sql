/*
 * Pauses of tasks, and of partition keys in queues that serve them in turn. Claims read them. A
 * queue's and a semaphore's are columns of theirs. A row whose time is over means nothing, and
 * maintain() deletes it.
 */
create table pgq.pauses (
  kind text not null,
  queue text not null,
  name text not null,
  paused_at timestamptz not null,
  paused_until timestamptz,
  constraint pauses_pkey primary key (kind, queue, name),
  constraint pauses_kind_is_known check (kind in ('task', 'partition'))
);

comment on table pgq.pauses is 'The tasks and the partition keys that are paused.';
comment on column pgq.pauses.kind is 'task or partition.';
comment on column pgq.pauses.queue is 'The queue of a partition key; of a task empty: all queues.';
comment on column pgq.pauses.name is 'The task, or the partition key.';
comment on column pgq.pauses.paused_at is 'Since when no job of it is claimed.';
comment on column pgq.pauses.paused_until is
  'When the pause ends by itself; null: when somebody resumes it.';
