/*
 * Return how deep a queue was, or all queues together, step by step: the highest of each number in
 * a step. The default is the last hour, in up to 120 steps.
 *
 * There is one sample a minute. If since is more than 48 hours ago, there are only the highest
 * numbers of each hour, so a step is at least an hour long. Nothing is older than 60 days. A step
 * without a sample has no row.
 *
 * enqueued is about how many jobs came in since the last sample of the step before. It is counted
 * from the ids of jobs, so it is null for one queue, and where it is not known.
 */
create or replace function pgq.depth_history(
  queue text default null,
  since timestamptz default null,
  until timestamptz default null,
  step interval default null
)
  returns table (
    at timestamptz, ready bigint, scheduled bigint, blocked bigint, running bigint, lag interval,
    estimated boolean, enqueued bigint
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
    depth_history.since, depth_history.until, depth_history.step, interval '1440 hours'
  );
  v_since constant timestamptz := v_window.begins;
  v_until constant timestamptz := v_window.ends;
  v_step constant interval := v_window.step_length;
begin
  return query
  with sampled as (
    select date_bin(v_step, moment.at, v_since) as at, max(moment.ready)::bigint as ready,
      max(moment.scheduled)::bigint as scheduled, max(moment.blocked)::bigint as blocked,
      max(moment.running)::bigint as running, max(moment.lag) as lag,
      bool_or(moment.estimated) as estimated
    from pgq._depths_between(
      depth_history.queue collate "default", v_since, v_until
    ) as moment
    group by date_bin(v_step, moment.at, v_since)
  ),
  reached as (
    select date_bin(v_step, sample.at, v_since) as at,
      (array_agg(sample.last_id order by sample.at desc))[1] as last_id
    from pgq.stat_samples as sample
    where sample.at >= pgq._add_interval(v_since, -v_step)
      and sample.at <= v_until
    group by date_bin(v_step, sample.at, v_since)
  ),
  counted as (
    select at, (last_id - before_id) / pgq._id_increment() as enqueued
    from (select at, last_id, lag(last_id) over (order by at) as before_id from reached) as ids
  )
  select at, coalesce(ready, 0), coalesce(scheduled, 0), coalesce(blocked, 0),
    coalesce(running, 0), lag, coalesce(estimated, false),
    case when counted.enqueued >= 0 and depth_history.queue is null then counted.enqueued end
  from counted
  left join sampled using (at)
  where at >= v_since
  order by at;
end
$$;

comment on function pgq.depth_history is
  'Return how deep a queue was, or all together, step by step.';
