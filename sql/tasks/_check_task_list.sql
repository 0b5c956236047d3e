/*
 * Read the arguments of sync_tasks, or raise what is wrong with them: a source, and an array of at
 * most 10,000 objects, each with another task.
 */
create or replace function pgq._check_task_list(source text, tasks text)
  returns jsonb
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_tasks constant jsonb := pgq._parse_json(tasks, 'tasks');
  v_twice text;
begin
  if coalesce(length(source), 0) not between 1 and 256 then
    raise exception 'source is empty or longer than 256 characters'
      using errcode = 'JQ002',
            hint = 'Name the program that declares these tasks.';
  end if;
  if jsonb_typeof(v_tasks) is distinct from 'array'
    or v_tasks @? 'strict $[*] ? (@.type() != "object")'
  then
    raise exception 'tasks are not a JSON array of objects'
      using errcode = 'JQ002',
            hint = 'Pass [{"task": "send", "options": {"queue": "mail"}}, ...].';
  end if;
  perform pgq._check_count(jsonb_array_length(v_tasks), 'tasks', 10000);
  v_twice := (
    select item ->> 'task'
    from jsonb_array_elements(v_tasks) as item
    where item ->> 'task' is not null
    group by 1
    having count(*) > 1
    limit 1
  );
  if v_twice is not null then
    raise exception 'task % is in the list more than once', pgq._shorten(v_twice)
      using errcode = 'JQ002',
            hint = 'Say once what it has.';
  end if;
  return v_tasks;
end
$$;

comment on function pgq._check_task_list is 'Read the arguments of sync_tasks.';
