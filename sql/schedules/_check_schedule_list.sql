/*
 * Raise unless the arguments of sync_schedules are a source and an array of objects with options of
 * schedule(), each under its own name.
 */
create or replace function pgq._check_schedule_list(source text, schedules jsonb)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_job_options constant jsonb := pgq._options_of_tick_jobs();
  v_found record;
begin
  if coalesce(length(source), 0) not between 1 and 256 then
    raise exception 'source is empty or longer than 256 characters'
      using errcode = 'JQ002',
            hint = 'Name the module or file that declares these schedules.';
  end if;
  if jsonb_typeof(schedules) is distinct from 'array'
    or jsonb_path_exists(schedules, 'strict $[*] ? (@.type() != "object")')
  then
    raise exception 'schedules are not a JSON array of objects'
      using errcode = 'JQ002',
            hint = 'Pass [{"name": "nightly", "task": "clean_up", "cron": "0 3 * * *"}, ...].';
  end if;

  select item ->> 'name' as name, key
  into v_found
  from jsonb_array_elements(schedules) as item
  cross join lateral jsonb_object_keys(item) as key
  where key not in (
      'name', 'cron', 'every', 'timezone', 'starts_at', 'catch_up', 'catch_up_window', 'overlap',
      'description'
    )
    and not v_job_options ? key
  limit 1;
  if found then
    raise exception 'schedule %: % is not an option',
      pgq._shorten(coalesce(v_found.name, 'without a name')), pgq._shorten(v_found.key)
      using errcode = 'JQ002',
            hint = 'A schedule has the options of schedule(), under the same names.';
  end if;

  select item ->> 'name' as name
  into v_found
  from jsonb_array_elements(schedules) as item
  where item ->> 'name' is not null
  group by 1
  having count(*) > 1
  limit 1;
  if found then
    raise exception 'schedule % is in the list more than once', pgq._shorten(v_found.name)
      using errcode = 'JQ002',
            hint = 'Give each schedule its own name.';
  end if;
end
$$;

comment on function pgq._check_schedule_list is
  'Raise unless the arguments of sync_schedules are a source and an array of schedules.';
