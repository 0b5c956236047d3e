/*
 * Return the window of a history and how long its steps are. By default it is the last hour. What
 * lies ahead, or is older than what is kept, is left out of it. It begins with a whole unit: a
 * minute; an hour, if since is over 48 hours ago; a day (of UTC), if it is over 60 days ago. A step
 * is a unit or longer. If step is null, it is as many units as make 120 steps or fewer.
 */
create or replace function pgq._window_of_steps(
  since timestamptz,
  until timestamptz,
  step interval,
  kept interval,
  out begins timestamptz,
  out ends timestamptz,
  out step_length interval
)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := pgq._now();
  v_oldest constant timestamptz := pgq._add_interval(v_now, -kept);
  -- Before Postgres 17, infinite times cannot be subtracted.
  v_until constant timestamptz := greatest(least(coalesce(until, v_now), v_now), v_oldest);
  v_since constant timestamptz := greatest(
    least(coalesce(since, v_until - interval '1 hour'), v_now), v_oldest
  );
  v_unit constant text := case
    when v_since < v_now - interval '1440 hours' then 'day'
    when v_since < v_now - interval '48 hours' then 'hour'
    else 'minute'
  end;
begin
  begins := date_trunc(v_unit, v_since, 'UTC');
  ends := v_until;
  step_length := pgq._length_of_steps(v_since, v_until, v_unit, step);
end
$$;

comment on function pgq._window_of_steps is
  'Return the window of a history, and how long its steps are.';
