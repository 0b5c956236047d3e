/*
 * Add rows of minutes to their hours. It goes minute by minute, because one statement may change a
 * row only once.
 */
create or replace function pgq._add_hours(counted pgq.stat_minutes[])
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
as $$
declare
  v_minute timestamptz;
begin
  for v_minute in select distinct one.minute from unnest(counted) as one order by one.minute loop
    insert into pgq.stat_hours as known
    select date_trunc('hour', one.minute, 'UTC'), one.queue, one.task, one.outcome, one.jobs,
      one.wait_us, one.run_us, one.waits, one.runs
    from unnest(counted) as one
    where one.minute = v_minute
    on conflict on constraint stat_hours_pkey do update
    set jobs = known.jobs + excluded.jobs,
        wait_us = known.wait_us + excluded.wait_us,
        run_us = known.run_us + excluded.run_us,
        waits = pgq._add_histograms(known.waits, excluded.waits),
        runs = pgq._add_histograms(known.runs, excluded.runs);
  end loop;
end
$$;

comment on function pgq._add_hours is 'Add rows of minutes to their hours.';
