/*
 * clocks
 *   when: a living worker's clock was over 5 s from the database's when it registered
 *   do: let NTP set that clock, then restart the worker
 *
 * Health: whether the clock of a living worker's machine agreed with the database's when the worker
 * registered. Only times that its handlers compute depend on that clock.
 */
create or replace function pgq._health_clocks(now_at timestamptz, max_age interval)
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select 'clocks', pgq._status_above(max(off.seconds), 5, 'infinity'),
    coalesce(max(off.seconds), 0),
    case count(*) filter (where off.seconds > 5)
      when 0 then 'the clocks of workers agree with the database'
      else 'clocks differ from the database''s: ' || pgq._list_briefly(array_agg(
        format(
          '%s on %s by %s', off.name, off.host,
          pgq._format_interval(make_interval(secs => off.seconds))
        )
        order by off.seconds desc) filter (where off.seconds > 5))
    end,
    case
      when max(off.seconds) > 5
      then format('Let NTP set the clock of %s, then restart its workers: times that handlers '
        'compute, such as run_at, are wrong by that much.',
        (array_agg(off.host order by off.seconds desc) filter (where off.seconds > 5))[1])
    end,
    'The clock of a machine and the clock of the database differ.'
  from (
    select alive.name, coalesce(worker.host, 'an unknown machine') as host,
      abs(extract(epoch from worker.clock_ahead))::double precision as seconds
    from pgq._living_workers(now_at, max_age) as alive
    join pgq.workers as worker on worker.id = alive.id
  ) as off;
end
$$;

comment on function pgq._health_clocks is
  'Health: whether the clocks of workers agree with the database.';
