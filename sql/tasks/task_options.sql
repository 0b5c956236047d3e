/*
 * What a job of a task gets where its enqueue says nothing: every option, and who says so. origin:
 * operator (configure_task), source (the task's code), queue (configure_queue) or built-in. hidden:
 * what the code says where an operator says something else. A task that nobody has named has what
 * any other has.
 */
create or replace function pgq.task_options(task text)
  returns table (option text, value text, origin text, hidden text)
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_task pgq.tasks;
  v_queue_backoff text;
begin
  select *
  into v_task
  from pgq.tasks as known
  where known.name = task_options.task collate "default";
  v_queue_backoff := (
    select backoff
    from pgq.queues
    where name = coalesce(v_task.options ->> 'queue', 'default') collate "default"
  );
  return query
  select key,
    coalesce(
      v_task.options ->> key, built_in ->> key,
      case when key = 'backoff' then coalesce(v_queue_backoff, 'exponential') end
    ),
    case
      when v_task.configured ? key then 'operator'
      when v_task.declared ? key then 'source'
      when key = 'backoff' and v_queue_backoff is not null then 'queue'
      else 'built-in'
    end,
    case when v_task.configured ? key then v_task.declared ->> key end
  from jsonb_object_keys(pgq._options_of_tasks()) as key,
    jsonb_build_object('queue', 'default', 'priority', 0, 'max_attempts', 5) as built_in
  order by key collate "C";
end
$$;

comment on function pgq.task_options is
  'What a job of a task gets where its enqueue says nothing, and who says so.';
