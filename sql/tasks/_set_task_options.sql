/*
 * What configure_task does once its options are an object.
 */
create or replace function pgq._set_task_options(task text, options jsonb, reset text[])
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  c_known constant jsonb := pgq._options_of_tasks();
  v_now constant timestamptz := pgq._now();
  v_wrong text;
  v_task pgq.tasks;
  v_new jsonb;
begin
  v_wrong := (
    select coalesce(name, 'null')
    from unnest(reset) as name
    where name is null or not c_known ? name and name <> 'all'
    limit 1
  );
  if v_wrong is not null then
    raise exception 'reset names %', pgq._shorten(v_wrong)
      using errcode = 'JQ002',
            hint = format(
              'It takes all, or: %s.', (select string_agg(key, ', ') from jsonb_object_keys(c_known)
                as key)
            );
  end if;
  perform pgq._check_task(_set_task_options.task, _set_task_options.options);

  v_task := pgq._lock_task(_set_task_options.task, v_now);
  v_new := case when 'all' = any(reset) then '{}' else v_task.configured - coalesce(reset, '{}') end
    || _set_task_options.options;
  perform pgq._check_task(_set_task_options.task, v_task.declared || v_new);
  update pgq.tasks
  set configured = v_new,
      changed_at = v_now
  where name = v_task.name
    and configured <> v_new;
  if v_new - 'on_exhausted' <> '{}' then
    perform pgq._look_up_tasks(array[v_task.name]);
  end if;
end
$$;

comment on function pgq._set_task_options is
  'What configure_task does once its options are an object.';
