/*
 * How many jobs of a queue and a task, or of all, ran how long in each step of a window; the window
 * and its steps are those of stats(). bucket: number n is for runs of up to 2^(n/2) seconds that
 * are longer than those of n - 1; -20 has all of a millisecond and less, 34 all of over 25 hours.
 * Only buckets in use are there. Default: the last hour, in 120
 * steps at most.
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
  v_now constant timestamptz := pgq._now();
  v_oldest constant timestamptz := v_now - interval '9600 hours';
  v_until constant timestamptz := greatest(
    least(coalesce(run_times.until, v_now), v_now), v_oldest
  );
  v_from constant timestamptz := greatest(
    least(coalesce(run_times.since, v_until - interval '1 hour'), v_now), v_oldest
  );
  v_unit constant text := case
    when v_from < v_now - interval '1440 hours' then 'day'
    when v_from < v_now - interval '48 hours' then 'hour'
    else 'minute'
  end;
  v_since constant timestamptz := date_trunc(v_unit, v_from, 'UTC');
  v_step constant interval := pgq._length_of_steps(v_from, v_until, v_unit, run_times.step);
begin
  return query
  select date_bin(v_step, one.began_at, v_since) as at, part.bucket, sum(part.jobs)::bigint
  from pgq._counted_between(
    run_times.queue collate "default", run_times.task collate "default", v_since, v_until
  ) as one
  cross join lateral (
    select place::bigint, one.runs[place]
    from generate_subscripts(one.runs, 1) as place
    where one.runs[place] > 0
  ) as part (bucket, jobs)
  group by 1, 2
  order by 1, 2;
end
$$;

comment on function pgq.run_times is
  'How many jobs ran how long in each step of a window.';
