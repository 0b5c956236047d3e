/*
 * Enqueue one job of a schedule now, besides its ticks, and return the job's id. This also works
 * while the schedule is paused. With overlap => skip, if a job of the schedule is live, it returns
 * the id of that job.
 */
create or replace function pgq.run_schedule_now(name text)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_schedule constant pgq.schedules := pgq._lock_schedule(run_schedule_now.name collate "default");
  v_run_at timestamptz := v_now;
  v_job record;
  v_outcome text collate "default";
begin
  -- Its own row: not the row of a tick, or of another call in the same microsecond.
  while v_run_at = v_schedule.next_run_at
    or exists (
      select
      from pgq.schedule_runs
      where schedule = v_schedule.name
        and run_at = v_run_at
    )
  loop
    v_run_at := v_run_at + interval '1 microsecond';
  end loop;

  select made.id, made.created
  into v_job
  from pgq._enqueue_many(pgq._tick_jobs(v_schedule, array[v_run_at]) #- '{0,run_at}') as made;
  v_outcome := case when v_job.created then 'manual' else 'skipped' end;
  insert into pgq.schedule_runs (schedule, run_at, fired_at, outcome, job_id)
  values (v_schedule.name, v_run_at, v_now, v_outcome, v_job.id);
  perform pgq._count_ticks(array[v_outcome]);
  perform pgq._audit_call(
    'run_schedule_now', v_schedule.name, ids => array[v_job.id],
    outcomes => jsonb_build_object(v_outcome, 1)
  );
  return v_job.id;
end
$$;

comment on function pgq.run_schedule_now is
  'Enqueue one job of a schedule now, besides its ticks, and return the job''s id.';
