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
  with spent as materialized (
    select key, count(*) as tokens
    from unnest(spent_keys) as key
    group by key
  ),
  old as materialized (
    select bucket.*
    from spent
    cross join lateral (
      select newest.ctid, newest.partition_key, newest.tokens, newest.counted_at
      from pgq.rate_buckets as newest
      where newest.queue = configured.name
        and newest.partition_key = spent.key
      order by newest.id desc
      limit 1
    ) as bucket
  ),
  gone as (
    delete from pgq.rate_buckets where ctid = any(array(select old.ctid from old))
  )
  insert into pgq.rate_buckets (queue, partition_key, tokens, counted_at)
  select configured.name, spent.key,
    pgq._bucket_tokens(old.tokens, old.counted_at, configured, now_at) - spent.tokens, now_at
  from spent
  left join old on old.partition_key = spent.key;
end
$$;

comment on function pgq._spend_tokens is 'Take tokens for claimed jobs out of their buckets.';
