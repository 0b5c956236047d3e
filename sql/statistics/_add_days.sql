/*
 * Add rows of hours to their days. It goes hour by hour, because one statement may change a row
 * only once.
 */
create or replace function pgq._add_days(counted pgq.stat_hours[])
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
as $$
declare
  v_hour timestamptz;
begin
  for v_hour in select distinct one.hour from unnest(counted) as one order by one.hour loop
    insert into pgq.stat_days as known
    select date_trunc('day', one.hour, 'UTC'), one.queue, one.task, one.outcome, one.jobs,
      one.wait_us, one.run_us, one.waits, one.runs
    from unnest(counted) as one
    where one.hour = v_hour
    on conflict on constraint stat_days_pkey do update
    set jobs = known.jobs + excluded.jobs,
        wait_us = known.wait_us + excluded.wait_us,
        run_us = known.run_us + excluded.run_us,
        waits = pgq._add_histograms(known.waits, excluded.waits),
        runs = pgq._add_histograms(known.runs, excluded.runs);
  end loop;
end
$$;

comment on function pgq._add_days is 'Add rows of hours to their days.';
