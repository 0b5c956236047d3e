/*
 * Store how deep the queues are now. It replaces the last sample if that one is of the same
 * minute. Return how many queues there are.
 */
create or replace function pgq._sample_depths()
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := pgq._now();
  v_minute constant timestamptz := date_trunc('minute', v_now, 'UTC');
  v_queues bigint;
begin
  delete from pgq.stat_depths where at >= v_minute and at < v_minute + interval '1 minute';
  delete from pgq.stat_samples where at >= v_minute and at < v_minute + interval '1 minute';
  insert into pgq.stat_samples (at, last_id)
  select v_now, last_value - (not is_called)::integer
  from pgq.jobs_id_seq;
  insert into pgq.stat_depths
    (at, queue, ready, scheduled, blocked, running, failed, lag, oldest_failed_at, estimated)
  select v_now, queue, ready, scheduled, blocked, running, failed, lag, oldest_failed_at, estimated
  from pgq._measure_depths(v_now);
  get diagnostics v_queues = row_count;
  insert into pgq.stat_now as newest (at, semaphores, semaphore_waiters, checks)
  select v_now, semaphores, semaphore_waiters, checks
  from pgq._measure_house()
  on conflict on constraint stat_now_pkey do update
  set at = excluded.at,
      semaphores = excluded.semaphores,
      semaphore_waiters = excluded.semaphore_waiters,
      checks = excluded.checks;
  return v_queues;
end
$$;

comment on function pgq._sample_depths is 'Store how deep the queues are now.';
