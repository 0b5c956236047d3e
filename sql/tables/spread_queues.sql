create table pgq.spread_queues (
  queue text not null,
  constraint spread_queues_pkey primary key (queue)
);

comment on table pgq.spread_queues is
  'Queues that are on every shard: each job goes by its key, not by its queue.';
comment on column pgq.spread_queues.queue is 'The queue.';
