/*
 * Return what happened in a window by queue, the queues in which the most jobs ended first. ended
 * and failed count the jobs of each step, oldest first; the times are those of the whole window.
 * The default is the last hour, in up to 120 steps, as in stats(). max_queues may be 1 to 10,000.
 */
create or replace function pgq.queue_activity(
  since timestamptz default null,
  until timestamptz default null,
  step interval default null,
  max_queues bigint default null
)
  returns table (
    queue text, step_length interval, ended bigint[], failed bigint[], retried bigint,
    wait_p50 interval, wait_p95 interval, run_p50 interval, run_p95 interval
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
    queue_activity.since, queue_activity.until, queue_activity.step, interval '9600 hours'
  );
  v_since constant timestamptz := v_window.begins;
  v_until constant timestamptz := v_window.ends;
  v_step constant interval := v_window.step_length;
  v_most constant bigint := coalesce(queue_activity.max_queues, 1000);
begin
  if v_most not between 1 and 10000 then
    raise exception 'max_queues is not between 1 and 10000'
      using errcode = 'JQ002',
            hint = 'Pass how many queues to answer.';
  end if;
  return query
  select busiest.queue, v_step, busiest.ended, busiest.failed, busiest.retried,
    wait.p50, wait.p95, run.p50, run.p95
  from (
    select *, (select sum(number) from unnest(sums.ended) as number) as all_ended
    from pgq._summed_by_queue(v_since, v_until, v_step) as sums
    order by all_ended desc, queue
    limit v_most
  ) as busiest
  cross join lateral pgq._times_of(null, busiest.waits) as wait
  cross join lateral pgq._times_of(null, busiest.runs) as run
  order by busiest.all_ended desc, busiest.queue;
end
$$;

comment on function pgq.queue_activity is
  'Return what happened in a window by queue: how many jobs ended in each step, and their times.';
