/*
 * How many whole tokens the buckets of some keys hold. The caller holds the lock of the queue's
 * limits. If the clock was set back, a bucket would get no tokens until the clock has caught up; so
 * it goes on from now, with the tokens that it held.
 */
create or replace function pgq._whole_tokens_left(
  configured pgq.queues,
  partition_keys text[],
  now_at timestamptz
)
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
begin
  update pgq.rate_buckets
  set counted_at = now_at
  where ctid = any(array(
    select bucket.ctid
    from unnest(partition_keys) as wanted (key)
    cross join lateral (
      select newest.ctid, newest.counted_at
      from pgq.rate_buckets as newest
      where newest.queue = configured.name
        and newest.partition_key = wanted.key
      order by newest.id desc
      limit 1
    ) as bucket
    where bucket.counted_at > now_at
  ));

  -- The small addition makes up for rounding in sums of fractions; it is debited all the same.
  return array(
    select greatest(
      0, floor(pgq._bucket_tokens(held.tokens, held.counted_at, configured, now_at) + 1e-9)
    )::bigint
    from unnest(partition_keys) with ordinality as wanted (key, place)
    left join lateral (
      select bucket.tokens, bucket.counted_at
      from pgq.rate_buckets as bucket
      where bucket.queue = configured.name
        and bucket.partition_key = wanted.key
      order by bucket.id desc
      limit 1
    ) as held on true
    order by wanted.place
  );
end
$$;

comment on function pgq._whole_tokens_left is
  'How many whole tokens the buckets of some keys hold.';
