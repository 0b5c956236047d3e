/*
 * Return how many jobs wait and run in each queue, as maintain() sampled it in the last ten
 * seconds. If nobody has sampled for 30 seconds, it is measured now. That costs as much as a
 * sample, and nothing is written.
 *
 * A number up to 10,000 is exact, unless `estimated` names its state. Then the lane is so large
 * that only some of its pages were read. Failed jobs in the history are counted up to 10,000 of
 * all queues; if `estimated` names them, there are more. Up to 500 queues have rows of their own,
 * and the rest stand together as (other).
 */
create or replace function pgq.depths()
  returns table (
    queue text, ready bigint, scheduled bigint, blocked bigint, running bigint, failed bigint,
    lag interval, oldest_failed_at timestamptz, estimated text[], sampled_at timestamptz
  )
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_at constant timestamptz := (
    select at from pgq.stat_samples where at <= v_now order by at desc limit 1
  );
begin
  if v_at > v_now - interval '30 seconds' then
    return query
    select queue, ready, scheduled, blocked, running, failed, lag, oldest_failed_at, estimated, at
    from pgq.stat_depths
    where at = v_at
    order by queue;
  else
    return query
    select queue, ready, scheduled, blocked, running, failed, lag, oldest_failed_at, estimated,
      v_now
    from pgq._measure_depths(v_now)
    order by queue;
  end if;
end
$$;

comment on function pgq.depths is
  'Return how many jobs wait and run in each queue, as sampled every ten seconds.';
