/*
 * Return what happened in a window by queue and task, as stats() says it. The tasks that ran
 * longest in all come first; run_time is that sum. The default is the last hour, of all queues
 * unless of_queue names one. max_tasks can be 1 to 10,000.
 */
create or replace function pgq.task_stats(
  since timestamptz default null,
  until timestamptz default null,
  max_tasks bigint default null,
  of_queue text default null
)
  returns table (
    queue text, task text, succeeded bigint, failed bigint, cancelled bigint, expired bigint,
    retried bigint, snoozed bigint, released bigint, lost bigint, run_time interval,
    wait_mean interval, wait_p50 interval, wait_p95 interval, wait_p99 interval,
    run_mean interval, run_p50 interval, run_p95 interval, run_p99 interval
  )
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_custom_plan
  set jit = off
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_until constant timestamptz := coalesce(least(task_stats.until, v_now), v_now);
  v_since constant timestamptz := coalesce(task_stats.since, v_until - interval '1 hour');
  v_unit constant text := case
    when v_since < v_now - interval '1440 hours' then 'day'
    when v_since < v_now - interval '48 hours' then 'hour'
    else 'minute'
  end;
  v_most constant bigint := coalesce(task_stats.max_tasks, 1000);
begin
  if v_since >= v_until or v_most not between 1 and 10000 then
    raise exception 'since is not before until, or max_tasks is not between 1 and 10000'
      using errcode = 'JQ002',
            hint = 'Pass a time that is past.';
  end if;
  return query
  select longest.queue, longest.task, longest.succeeded, longest.failed, longest.cancelled,
    longest.expired, longest.retried, longest.snoozed, longest.released, longest.lost,
    make_interval(secs => (longest.run_us / 1000000.0)::double precision),
    wait.mean, wait.p50, wait.p95, wait.p99, run.mean, run.p50, run.p95, run.p99
  from (
    select *
    from pgq._summed_between(
      task_stats.of_queue collate "default", null, date_trunc(v_unit, v_since, 'UTC'), v_until, null
    )
    order by run_us desc, queue, task
    limit v_most
  ) as longest
  cross join lateral pgq._times_of(longest.wait_us, longest.waits) as wait
  cross join lateral pgq._times_of(longest.run_us, longest.runs) as run
  order by longest.run_us desc, longest.queue, longest.task;
end
$$;

comment on function pgq.task_stats is
  'Return what happened in a window by queue and task: outcomes, waits and run times.';
