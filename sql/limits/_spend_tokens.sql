/*
 * Take a token per claimed job out of the bucket of its key. The caller holds the lock of the
 * queue's limits.
 */
create or replace function pgq._spend_tokens(
  configured pgq.queues,
  spent_keys text[],
  now_at timestamptz
)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into pgq.rate_buckets as bucket (queue, partition_key, tokens, counted_at)
  select configured.name, key, pgq._bucket_tokens(null, null, configured, now_at) - count(*), now_at
  from unnest(spent_keys) as key
  group by key
  on conflict on constraint rate_buckets_pkey do update
  set tokens = pgq._bucket_tokens(bucket.tokens, bucket.counted_at, configured, now_at)
        - (select count(*) from unnest(spent_keys) as key where key = bucket.partition_key),
      counted_at = now_at;
end
$$;

comment on function pgq._spend_tokens is 'Take tokens for claimed jobs out of their buckets.';
