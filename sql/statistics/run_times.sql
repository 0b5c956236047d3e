/*
 * How many jobs of a queue and a task, or of all, ran how long in each step of a window; the window
 * and its steps are those of stats(). bucket: number n is for runs of up to 2^(n/2) seconds that
 * are longer than those of n - 1; -20 has all of a millisecond and less, 34 all of over 25 hours.
 * Only buckets in use are there. The default is the last hour, in up to 120 steps.
 */
create or replace function pgq.run_times(
  queue text default null,
  task text default null,
  since timestamptz default null,
  until timestamptz default null,
  step interval default null
)
  returns table (at timestamptz, bucket bigint, jobs bigint)
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
    run_times.since, run_times.until, run_times.step, interval '9600 hours'
  );
  v_since constant timestamptz := v_window.begins;
  v_until constant timestamptz := v_window.ends;
  v_step constant interval := v_window.step_length;
begin
  return query
  select summed.at, 35 - part.place, part.number
  from pgq._summed_between(
    run_times.queue collate "default", run_times.task collate "default", v_since, v_until, v_step
  ) as summed
  cross join lateral unnest(pgq._counts_of(summed.runs)) with ordinality as part (number, place)
  where part.number > 0
  order by 1, 2;
end
$$;

comment on function pgq.run_times is
  'How many jobs ran how long in each step of a window.';
