/*
 * How many jobs may be claimed from a limited queue now: tokens, and when they were counted. Claims
 * write them under the lock of the queue's limits, so there is one row for a key, although no index
 * enforces that. Each claim inserts a new row, and the newest id counts. If a row were updated a
 * thousand times while some session holds an old snapshot, a search would walk over all its
 * versions.
 */
create table pgq.rate_buckets (
  queue text not null,
  partition_key text not null default '',
  id bigint generated always as identity,
  tokens double precision not null,
  counted_at timestamptz not null,
  constraint rate_buckets_pkey primary key (queue, partition_key, id)
) with (autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);

comment on table pgq.rate_buckets is 'How many tokens of the rate limits of queues are left.';
comment on column pgq.rate_buckets.queue is 'The queue.';
comment on column pgq.rate_buckets.partition_key is
  'The partition_key of the bucket, in a queue with rate_per_key; empty: the whole queue.';
comment on column pgq.rate_buckets.id is 'New with every claim; the newest counts.';
comment on column pgq.rate_buckets.tokens is 'Jobs that could be claimed at counted_at.';
comment on column pgq.rate_buckets.counted_at is 'When the tokens were counted.';
