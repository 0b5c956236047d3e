/*
 * Find ready jobs without a key in fair queues, have running jobs count that were being claimed
 * when their queue got its max_running, and forget up to batch_size buckets per queue that are full
 * again: no row means the same. The latter under the lock of the queue's limits, so that no claim
 * waits for it.
 */
create or replace function pgq._maintain_limits(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
as $$
declare
  v_now constant timestamptz := pgq._now();
  v_configured pgq.queues;
  v_step bigint;
  v_done bigint := 0;
begin
  for v_configured in
    select *
    from pgq.queues as configured
    where configured.fair or configured.rate_per_key or configured.max_running is not null
    order by random()
    limit 500
  loop
    exit when v_done >= batch_size;
    if v_configured.max_running is not null then
      perform pgq._mark_running_limited(v_configured.name);
    end if;
    continue when not (v_configured.fair or v_configured.rate_per_key);
    v_done := v_done + pgq._set_missing_tenant_keys(v_configured.name);
    continue when not (v_configured.rate_per_key and v_configured.rate_limit is not null)
      or not pgq._try_lock_limits(v_configured.name);
    delete from pgq.rate_buckets
    where ctid = any(array(
      select bucket.ctid
      from pgq.rate_buckets as bucket
      where bucket.queue = v_configured.name
        and pgq._bucket_tokens(bucket.tokens, bucket.counted_at, v_configured, v_now)
          >= coalesce(v_configured.rate_burst, v_configured.rate_limit)
      limit greatest(0, batch_size - v_done)
    ));
    get diagnostics v_step = row_count;
    v_done := v_done + v_step;
  end loop;
  return v_done;
end
$$;

comment on function pgq._maintain_limits is
  'Find jobs without a key in fair queues, and forget buckets that are full again.';
