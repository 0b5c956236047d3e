/*
 * Replace up to batch_size depths that are older than 48 hours by the highest numbers of each
 * hour. Return how many.
 */
create or replace function pgq._roll_up_depths(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off
as $$
declare
  v_before constant timestamptz := pgq._now() - interval '48 hours';
  v_done bigint;
begin
  with old as (
    delete from pgq.stat_depths
    where (at, queue) in (
      select at, queue from pgq.stat_depths where at < v_before order by at, queue limit batch_size
    )
    returning *
  ),
  kept as (
    insert into pgq.stat_depth_hours as hourly
      (hour, queue, ready, scheduled, blocked, running, lag, estimated)
    select date_trunc('hour', at, 'UTC'), queue, max(ready), max(scheduled), max(blocked),
      max(running), max(lag), bool_or(estimated <> '{}')
    from old
    group by date_trunc('hour', at, 'UTC'), queue
    on conflict on constraint stat_depth_hours_pkey do update
    set ready = greatest(hourly.ready, excluded.ready),
        scheduled = greatest(hourly.scheduled, excluded.scheduled),
        blocked = greatest(hourly.blocked, excluded.blocked),
        running = greatest(hourly.running, excluded.running),
        lag = greatest(hourly.lag, excluded.lag),
        estimated = hourly.estimated or excluded.estimated
  )
  select count(*) into v_done from old;
  return v_done;
end
$$;

comment on function pgq._roll_up_depths is
  'Replace depths that are older than 48 hours by the highest numbers of each hour.';
