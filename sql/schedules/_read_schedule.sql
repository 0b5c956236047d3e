/*
 * A schedule from a JSON object with the options of schedule(), ready to be stored, or an error
 * that says what is wrong with it.
 */
create or replace function pgq._read_schedule(given jsonb, source text)
  returns pgq.schedules
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
  v_job_options constant jsonb := pgq._options_of_tick_jobs();
  v_new pgq.schedules;
  v_problem text[];
begin
  v_new := jsonb_populate_record(null::pgq.schedules, jsonb_strip_nulls(
    jsonb_build_object(
      'name', given -> 'name', 'cron', given -> 'cron', 'every', given -> 'every',
      'timezone', given -> 'timezone', 'starts_at', given -> 'starts_at',
      'catch_up', given -> 'catch_up', 'catch_up_window', given -> 'catch_up_window',
      'overlap', given -> 'overlap', 'description', given -> 'description'
    )
  ));
  v_problem := pgq._schedule_problem(v_new);
  if v_problem is not null then
    raise exception '%', pgq._shorten(v_problem[1], 300)
      using errcode = 'JQ002',
            hint = v_problem[2];
  end if;

  v_new.timezone := coalesce(v_new.timezone, 'UTC');
  v_new.catch_up := coalesce(v_new.catch_up, 'last');
  v_new.catch_up_window := coalesce(v_new.catch_up_window, interval '1 day');
  v_new.overlap := coalesce(v_new.overlap, 'allow');
  v_new.source := _read_schedule.source;
  v_new.created_at := pgq._now();
  v_new.job := (
    select jsonb_build_object('args', '{}'::jsonb) || coalesce(jsonb_object_agg(key, value), '{}')
    from jsonb_each(given)
    where value <> 'null'
      and v_job_options ? key
  );
  perform pgq._check_schedule_job(v_new, v_new.created_at);
  v_new.next_run_at := pgq._first_tick(v_new, v_new.created_at);
  return v_new;
exception
  when data_exception then
    raise exception 'an option of a schedule is of the wrong type: %', pgq._shorten(sqlerrm, 300)
      using errcode = 'JQ002',
            hint = 'Numbers are integers; times and intervals are text such as "10 minutes".';
end
$$;

comment on function pgq._read_schedule is
  'A schedule from a JSON object with the options of schedule(), ready to be stored.';
