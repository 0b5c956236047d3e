/*
 * Return how many jobs of some tasks ended, and how many of them failed, in each step of a window,
 * by queue, the oldest step first. The default is the last hour, in up to 120 steps, as in stats().
 * Tasks of which nothing was counted have no row. Up to 500 tasks.
 */
create or replace function pgq.task_activity(
  tasks text[],
  since timestamptz default null,
  until timestamptz default null,
  step interval default null
)
  returns table (queue text, task text, step_length interval, ended bigint[], failed bigint[])
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
    task_activity.since, task_activity.until, task_activity.step, interval '9600 hours'
  );
  v_since constant timestamptz := v_window.begins;
  v_until constant timestamptz := v_window.ends;
  v_step constant interval := v_window.step_length;
begin
  perform pgq._check_count(cardinality(task_activity.tasks collate "default"), 'tasks', 500);
  return query
  with counted as materialized (
    select one.queue, one.task, date_bin(v_step, one.began_at, v_since) as at,
      sum(jobs) filter (
        where outcome in ('succeeded', 'failed', 'cancelled', 'expired')
      ) as ended,
      sum(jobs) filter (where outcome = 'failed') as failed
    from pgq._counted_between(null, null, v_since, v_until) as one
    where one.task = any(task_activity.tasks collate "default")
    group by 1, 2, 3
  )
  select names.queue, names.task, v_step,
    array_agg(coalesce(counted.ended, 0)::bigint order by begun.at),
    array_agg(coalesce(counted.failed, 0)::bigint order by begun.at)
  from (select distinct queue, task from counted) as names
  cross join generate_series(v_since, v_until, v_step) as begun (at)
  left join counted
    on counted.queue = names.queue and counted.task = names.task and counted.at = begun.at
  group by names.queue, names.task
  order by names.queue, names.task;
end
$$;

comment on function pgq.task_activity is
  'Return how many jobs of some tasks ended in each step of a window, by queue.';
