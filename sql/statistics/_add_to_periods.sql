/*
 * Add what was counted to periods of this unit. It goes by the periods of what was counted, because
 * one statement may change a row only once.
 */
create or replace function pgq._add_to_periods(counted pgq.stat_periods[], unit text)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
as $$
#variable_conflict use_column
declare
  v_began_at timestamptz;
begin
  for v_began_at in select distinct began_at from unnest(counted) order by began_at loop
    insert into pgq.stat_periods as known
    select _add_to_periods.unit, date_trunc(_add_to_periods.unit, began_at, 'UTC'), queue, task,
      outcome, jobs, wait_us, run_us, waits, runs
    from unnest(counted)
    where began_at = v_began_at
    on conflict on constraint stat_periods_pkey do update
    set jobs = known.jobs + excluded.jobs,
        wait_us = known.wait_us + excluded.wait_us,
        run_us = known.run_us + excluded.run_us,
        waits = coalesce(known.waits + excluded.waits, known.waits, excluded.waits),
        runs = coalesce(known.runs + excluded.runs, known.runs, excluded.runs);
  end loop;
end
$$;

comment on function pgq._add_to_periods is 'Add what was counted to periods of this unit.';
