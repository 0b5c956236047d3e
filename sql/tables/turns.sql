create table pgq.turns (
  queue text not null,
  last_key text not null,
  constraint turns_pkey primary key (queue)
) with (fillfactor = 50, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);

comment on table pgq.turns is 'Whose turn it was in fair queues.';
comment on column pgq.turns.queue is 'The queue.';
comment on column pgq.turns.last_key is 'The partition_key that was served last.';
