/*
 * Check one task of sync_tasks(), or raise what is wrong with it.
 */
create or replace function pgq._read_declared_task(given jsonb)
  returns pgq.tasks
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_task pgq.tasks;
  v_problem text := case
    when given - array['task', 'options', 'names', 'defaults'] <> '{}'
    then 'it has more than task, options, names and defaults'
    when jsonb_typeof(given -> 'task') <> 'string' then 'task is no text'
    when jsonb_typeof(given -> 'options') <> 'object'
      or jsonb_typeof(given -> 'defaults') <> 'object'
    then 'options or defaults are no object'
    when jsonb_typeof(given -> 'names') <> 'array'
      or given @? 'strict $.names[*] ? (@.type() != "string")'
    then 'names are no list of texts'
    when pg_column_size(given) > 16384 then 'it takes more than 16384 bytes'
  end;
begin
  v_problem := coalesce(v_problem, (
    select format('%s is not an option', pgq._shorten(key))
    from jsonb_object_keys(coalesce(given -> 'options', '{}')) as key
    where not pgq._options_of_tasks() ? key
    limit 1
  ));
  if v_problem is not null then
    raise exception '%', v_problem
      using errcode = 'JQ002',
            hint = 'Pass {"task": "send", "options": {"queue": "mail"}, "names": ["user_id"]}.';
  end if;
  v_task.name := given ->> 'task';
  v_task.declared := coalesce(given -> 'options', '{}');
  v_task.parameters := jsonb_strip_nulls(jsonb_build_object(
    'names', nullif(given -> 'names', '[]')
  )) || case
    when given -> 'defaults' <> '{}' then jsonb_build_object('defaults', given -> 'defaults')
    else '{}'
  end;
  perform pgq._check_task(v_task.name, v_task.declared);
  return v_task;
end
$$;

comment on function pgq._read_declared_task is
  'Check one task of sync_tasks(), or raise what is wrong with it.';
