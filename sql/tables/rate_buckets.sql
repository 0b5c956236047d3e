/*
 * How many jobs may be claimed from a limited queue right now: tokens, and when they were counted.
 * Written by claims under the lock of the queue's limits: so there is one row of a key, although
 * no index says so. It is a new one each time, and found by the newest id: one that was updated a
 * thousand times while some session holds an old snapshot would be walked a thousand times over.
 */
create table pgq.rate_buckets (
  queue text not null,
  partition_key text not null default '',
  id bigint generated always as identity,
  tokens double precision not null,
  counted_at timestamptz not null,
  constraint rate_buckets_pkey primary key (queue, partition_key, id)
) with (autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);

comment on table pgq.rate_buckets is 'What is left of the rate limits of queues.';
comment on column pgq.rate_buckets.queue is 'The queue.';
comment on column pgq.rate_buckets.partition_key is
  'Whose bucket it is, in a queue with rate_per_key; empty: that of the whole queue.';
comment on column pgq.rate_buckets.id is 'New with every claim; the newest counts.';
comment on column pgq.rate_buckets.tokens is 'Jobs that could be claimed at counted_at.';
comment on column pgq.rate_buckets.counted_at is 'When the tokens were counted.';
