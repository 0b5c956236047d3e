/*
 * The jobs of a schedule for some ticks, as enqueue_many() takes them. Their headers say which
 * schedule and which tick they are of; overlap skip is a unique_key that they share.
 */
create or replace function pgq._tick_jobs(schedule pgq.schedules, ticks timestamptz[])
  returns jsonb
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
declare
  v_headers constant jsonb := coalesce(schedule.job -> 'headers', '{}');
  v_job constant jsonb := schedule.job || case schedule.overlap
    when 'skip' then jsonb_build_object(
      'unique_key', 'schedule:' || schedule.name, 'on_conflict', 'return'
    )
    else '{}'
  end;
  v_tick timestamptz;
  v_jobs jsonb := '[]';
begin
  foreach v_tick in array ticks loop
    v_jobs := v_jobs || jsonb_build_array(v_job || jsonb_build_object(
      'run_at', v_tick,
      'headers', v_headers || jsonb_build_object(
        'schedule', jsonb_build_object('name', schedule.name, 'run_at', v_tick)
      )
    ));
  end loop;
  return v_jobs;
end
$$;

comment on function pgq._tick_jobs is
  'The jobs of a schedule for some ticks, as enqueue_many() takes them.';
