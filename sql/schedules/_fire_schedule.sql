/*
 * Fire a due schedule, whose row the caller has locked, and move it on; answer how many jobs were
 * enqueued. A tick that has its row in schedule_runs already is not fired again.
 */
create or replace function pgq._fire_schedule(schedule pgq.schedules, now_at timestamptz)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_due constant record := pgq._due_ticks(_fire_schedule.schedule, now_at);
  v_ticks timestamptz[] := v_due.ticks;
  v_outcomes text[];
begin
  if v_due.missed_from is not null then
    insert into pgq.schedule_runs (schedule, run_at, fired_at, outcome, missed_until)
    values (
      _fire_schedule.schedule.name, v_due.missed_from, now_at, 'missed', v_due.missed_until
    )
    on conflict on constraint schedule_runs_pkey do nothing;
    if found then
      perform pgq._count_ticks(array['missed']);
    end if;
  end if;

  v_ticks := array(
    select tick
    from unnest(v_ticks) as tick
    where not exists (
      select
      from pgq.schedule_runs as run
      where run.schedule = _fire_schedule.schedule.name
        and run.run_at = tick
    )
    order by tick
  );
  if cardinality(v_ticks) > 0 then
    with fired as (
      insert into pgq.schedule_runs (schedule, run_at, fired_at, outcome, job_id)
      select _fire_schedule.schedule.name, tick, now_at,
        case when created then 'enqueued' else 'skipped' end, id
      from rows from (
        unnest(v_ticks),
        pgq._enqueue_many(pgq._tick_jobs(_fire_schedule.schedule, v_ticks))
      ) as answer (tick, id, created)
      returning outcome
    )
    select array_agg(outcome) into v_outcomes from fired;
    perform pgq._count_ticks(v_outcomes);
  end if;

  update pgq.schedules
  set next_run_at = v_due.following,
      last_run_at = coalesce(v_due.ticks[cardinality(v_due.ticks)], v_due.missed_until),
      paused_at = case when v_due.following is null then now_at end,
      problem = case when v_due.following is null then 'cron is never due again' end
  where name = _fire_schedule.schedule.name;
  return coalesce(cardinality(array_positions(v_outcomes, 'enqueued')), 0);
end
$$;

comment on function pgq._fire_schedule is 'Fire a due schedule and move it on.';
