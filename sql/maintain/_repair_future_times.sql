/*
 * Repair times that a clock stored while it was ahead, once it is right again, up to batch_size of
 * each kind: heartbeats in the future, which would keep dead workers registered; pauses that begin
 * in the future; and the next tick of schedules that fired too early. Ticks that have fired do not
 * fire again. Answers how many.
 */
create or replace function pgq._repair_future_times(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
declare
  v_now constant timestamptz := pgq._now();
  -- Sessions read the clock at slightly different times.
  v_ahead constant timestamptz := v_now + interval '10 seconds';
  v_early text[];
  v_workers bigint;
  v_pauses bigint;
begin
  update pgq.workers
  set heartbeat_at = v_now
  where id = any(array(
    select id from pgq.workers where heartbeat_at > v_ahead order by id limit batch_size
    for update skip locked));
  get diagnostics v_workers = row_count;

  v_pauses := pgq._repair_future_pauses(batch_size, v_now, v_ahead);

  v_early := array(
    select distinct run.schedule
    from (
      select schedule from pgq.schedule_runs where fired_at > v_ahead order by fired_at
      limit 20 * batch_size
    ) as run
    limit batch_size
  );
  if cardinality(v_early) > 0 then
    update pgq.schedules as schedule
    set next_run_at = case
      when schedule.cron is null
      then schedule.next_run_at - schedule.every * floor(
        extract(epoch from schedule.next_run_at - v_now) / extract(epoch from schedule.every)
      )::double precision
      else pgq.cron_next(
        schedule.cron, greatest(v_now, schedule.starts_at - interval '1 microsecond'),
        schedule.timezone
      )
    end
    where schedule.name = any(array(
        select name from pgq.schedules where name = any(v_early) order by name
        for update skip locked
      ))
      and schedule.next_run_at > v_now;
    update pgq.schedule_runs
    set fired_at = v_now
    where ctid = any(array(
      select ctid from pgq.schedule_runs
      where fired_at > v_ahead and schedule = any(v_early)
      order by fired_at
      limit 20 * batch_size
    ));
  end if;
  return v_workers + v_pauses + cardinality(v_early);
end
$$;

comment on function pgq._repair_future_times is 'Repair times from a clock that was ahead.';
