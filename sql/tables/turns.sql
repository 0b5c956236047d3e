/*
 * Claims write it under the lock of the queue's limits, so there is one row for a queue, although
 * no index enforces that. Each claim inserts a new row; rate_buckets says why.
 */
create table pgq.turns (
  queue text not null,
  last_key text not null,
  id bigint generated always as identity,
  constraint turns_pkey primary key (queue, id)
) with (autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);

comment on table pgq.turns is 'Which key was served last in fair queues.';
comment on column pgq.turns.queue is 'The queue.';
comment on column pgq.turns.last_key is 'The partition_key that was served last.';
comment on column pgq.turns.id is 'New with every claim; the newest counts.';
