/*
 * When the next job of a queue whose rate limit is used up may be claimed; null: no such queue has
 * a ready job. It reads at most 500 such queues and 1,000 keys, and at most a hundred keys of one
 * queue: a worker polls anyway. The answer is at least 50 milliseconds ahead: all workers will
 * claim then, and can take several tokens at once.
 */
create or replace function pgq._next_token_at(now_at timestamptz)
  returns timestamptz
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_configured pgq.queues;
  v_keys text[];
  v_asked bigint := 0;
  v_next timestamptz;
begin
  for v_configured in
    select *
    from pgq.queues as configured
    where configured.rate_limit > 0
    limit 500
  loop
    exit when v_asked >= 1000;
    if v_configured.rate_per_key then
      v_keys := pgq._next_tenants(v_configured.name, '', '', 100);
    else
      v_keys := array(
        select ''
        from pgq._ready_ranges(v_configured.name) as part
        cross join lateral (
          select
          from pgq.ready as lane
          where lane.queue = v_configured.name
            and (lane.priority, lane.ready_xid, lane.job_id)
              >= (part.priority, part.ready_xid, part.job_id)
            and lane.priority < part.below
            and (lane.priority, lane.ready_xid) <= (part.below - 1, part.last_xid)
          order by lane.priority, lane.ready_xid, lane.job_id
          limit 1
        ) as first
        limit 1
      );
    end if;
    v_asked := v_asked + cardinality(v_keys);
    v_next := least(v_next, (
      select now_at + make_interval(
        secs => min((1 - held.tokens) / v_configured.rate_limit) * extract(
          epoch from coalesce(v_configured.rate_interval, interval '1 second')
        )::double precision
      )
      from unnest(v_keys) as wanted (key)
      cross join lateral (
        select pgq._bucket_tokens(bucket.tokens, bucket.counted_at, v_configured, now_at)
        from pgq.rate_buckets as bucket
        where bucket.queue = v_configured.name
          and bucket.partition_key = wanted.key
        order by bucket.id desc
        limit 1
      ) as held (tokens)
      where held.tokens < 1 - 1e-9
    ));
  end loop;
  return greatest(v_next, case when v_next is not null then now_at + interval '50 ms' end);
end
$$;

comment on function pgq._next_token_at is
  'When the next job of a queue whose rate limit is used up may be claimed.';
