/*
 * Return what happened in each step of a window, of one queue and task or of all. It includes what
 * has just been settled. A lost run counts as lost, and as what followed from it. The default is
 * the last hour, in up to 120 steps.
 *
 * The times say how long jobs had waited when they were claimed, and how long they ran. Means are
 * exact; percentiles are at most 19 per cent off.
 *
 * If since is over 48 hours ago, a step is at least an hour long; if it is over 60 days ago, a day
 * (of UTC). Nothing is older than 400 days.
 */
create or replace function pgq.stats(
  queue text default null,
  task text default null,
  since timestamptz default null,
  until timestamptz default null,
  step interval default null
)
  returns table (
    at timestamptz, succeeded bigint, failed bigint, cancelled bigint, expired bigint,
    retried bigint, snoozed bigint, released bigint, lost bigint,
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
  v_window constant record := pgq._window_of_steps(
    stats.since, stats.until, stats.step, interval '9600 hours'
  );
  v_since constant timestamptz := v_window.begins;
  v_until constant timestamptz := v_window.ends;
  v_step constant interval := v_window.step_length;
begin
  return query
  select begun.at, coalesce(summed.succeeded, 0), coalesce(summed.failed, 0),
    coalesce(summed.cancelled, 0), coalesce(summed.expired, 0), coalesce(summed.retried, 0),
    coalesce(summed.snoozed, 0), coalesce(summed.released, 0), coalesce(summed.lost, 0),
    wait.mean, wait.p50, wait.p95, wait.p99, run.mean, run.p50, run.p95, run.p99
  from generate_series(v_since, v_until, v_step) as begun (at)
  left join pgq._summed_between(
    stats.queue collate "default", stats.task collate "default", v_since, v_until, v_step
  ) as summed on summed.at = begun.at
  left join lateral pgq._times_of(summed.wait_us, summed.waits) as wait on true
  left join lateral pgq._times_of(summed.run_us, summed.runs) as run on true
  order by begun.at;
end
$$;

comment on function pgq.stats is
  'Return what happened in each step of a window: outcomes, waits and run times.';
