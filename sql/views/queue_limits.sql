/*
 * Counts the running jobs of the queues that have max_running, and reads one bucket per queue, so
 * it costs the same at any backlog.
 */
create or replace view pgq.queue_limits as
select configured.name as queue,
  configured.max_running,
  case
    when configured.max_running is not null then (
      select count(*)
      from pgq.running as claim
      where claim.queue = configured.name
        and claim.limited_xid is not null
    )
  end as running,
  configured.rate_limit,
  case
    when configured.rate_limit is not null
    then coalesce(configured.rate_interval, interval '1 second')
  end as rate_interval,
  case
    when configured.rate_limit is not null
    then coalesce(configured.rate_burst, configured.rate_limit)
  end as rate_burst,
  case
    when configured.rate_limit = 0 then 0
    when configured.rate_limit is not null and not coalesce(configured.rate_per_key, false)
    then floor(held.tokens + 1e-9)::bigint
  end as tokens,
  case
    when configured.rate_limit > 0 and not coalesce(configured.rate_per_key, false)
      and held.tokens < 1 - 1e-9
    then (
      held.read_at at time zone 'UTC' + (1 - held.tokens) / configured.rate_limit
        * coalesce(configured.rate_interval, interval '1 second')
    ) at time zone 'UTC'
  end as next_token_at,
  coalesce(configured.rate_per_key, false) as rate_per_key,
  coalesce(configured.fair or configured.rate_per_key, false) as fair
from pgq.queues as configured
cross join lateral (select pgq._now() as read_at offset 0) as clock
left join pgq.rate_buckets as bucket
  on bucket.queue = configured.name and bucket.partition_key = ''
cross join lateral (
  select clock.read_at,
    pgq._bucket_tokens(bucket.tokens, bucket.counted_at, configured, clock.read_at)
) as held (read_at, tokens)
where num_nonnulls(configured.max_running, configured.rate_limit) > 0
  or configured.fair
order by configured.name;

comment on view pgq.queue_limits is
  'Queues that have limits or are fair: the limits, and what is left of them now.';
comment on column pgq.queue_limits.queue is 'The queue.';
comment on column pgq.queue_limits.max_running is
  'How many of its jobs may run at a time; null: no limit.';
comment on column pgq.queue_limits.running is
  'How many jobs count for max_running; null: it has none.';
comment on column pgq.queue_limits.rate_limit is
  'How many of its jobs may be claimed per rate_interval; null: no limit.';
comment on column pgq.queue_limits.rate_interval is 'The interval of rate_limit.';
comment on column pgq.queue_limits.rate_burst is
  'How many may be claimed at once after a time without claims.';
comment on column pgq.queue_limits.tokens is
  'How many could be claimed now; null: no limit, or one for each key.';
comment on column pgq.queue_limits.next_token_at is
  'When the next job may be claimed; null: now, or see tokens.';
comment on column pgq.queue_limits.rate_per_key is
  'Whether each partition_key has its own rate limit.';
comment on column pgq.queue_limits.fair is 'Whether claims serve the partition keys in turn.';
