/*
 * Repair three things about limits, up to batch_size rows in all; answer how many. Ready jobs in
 * fair queues get their missing key. Running jobs that were claimed while their queue got its
 * max_running are counted. Buckets that are full again are deleted: no row means the same.
 *
 * Buckets are deleted under the lock of the queue's limits, so that no claim waits. They are
 * searched before it takes the lock, because claims get nothing while it is held. It deletes none
 * while deleted rows pile up because some session holds an old snapshot: a remaining row keeps
 * claims from walking over those.
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
  v_full text[];
  v_keeps_buckets constant boolean := pgq._dead_rows_pile_up('pgq.rate_buckets'::regclass);
  v_step bigint;
  v_done bigint := pgq._mark_running_limited(
    array(select name from pgq.queues where max_running is not null), batch_size
  );
begin
  for v_configured in
    select *
    from pgq.queues as configured
    where configured.fair or configured.rate_per_key
    order by random()
    limit 500
  loop
    exit when v_done >= batch_size;
    v_done := v_done + pgq._set_missing_tenant_keys(v_configured.name, batch_size - v_done);
    continue when not (v_configured.rate_per_key and v_configured.rate_limit is not null)
      or v_keeps_buckets;
    v_full := array(
      select bucket.partition_key
      from pgq.rate_buckets as bucket
      where bucket.queue = v_configured.name
        and pgq._bucket_tokens(bucket.tokens, bucket.counted_at, v_configured, v_now)
          >= coalesce(v_configured.rate_burst, v_configured.rate_limit)
      limit batch_size - v_done
    );
    continue when cardinality(v_full) = 0 or not pgq._try_lock_limits(v_configured.name);
    delete from pgq.rate_buckets as bucket
    where bucket.queue = v_configured.name
      and bucket.partition_key = any(v_full)
      and pgq._bucket_tokens(bucket.tokens, bucket.counted_at, v_configured, v_now)
        >= coalesce(v_configured.rate_burst, v_configured.rate_limit);
    get diagnostics v_step = row_count;
    v_done := v_done + v_step;
  end loop;
  return v_done;
end
$$;

comment on function pgq._maintain_limits is
  'Repair keys and counts of limited queues, and delete buckets that are full again.';
