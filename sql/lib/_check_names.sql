/*
 * Raise JQ010 if one of these tasks or queues is unknown and configure() says that such names are
 * refused. A task is known by sync_tasks() or configure_task(). A queue is known by
 * configure_queue() or as the default of a known task; "default" always is. Workers make no queue
 * known, because they come and go.
 */
create or replace function pgq._check_names(tasks text[], queues text[])
  returns void
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_strict record;
  v_unknown text;
  v_near text;
begin
  select strict_tasks, strict_queues into v_strict from pgq.settings;
  if v_strict.strict_tasks then
    v_unknown := (
      select task from unnest(tasks) as task
      where task <> ''
        and not exists (select from pgq.tasks as known where known.name = task)
      limit 1
    );
    if v_unknown is not null then
      v_near := pgq._closest_name(v_unknown, array(select name from pgq.tasks limit 1000));
      perform pgq._raise_unknown('task', v_unknown, v_near);
    end if;
  end if;
  if v_strict.strict_queues then
    v_unknown := (
      select queue from unnest(queues) as queue
      where queue <> 'default'
        and not exists (select from pgq.queues as known where known.name = queue)
        and not exists (select from pgq.tasks as known where known.options ->> 'queue' = queue)
      limit 1
    );
    if v_unknown is not null then
      v_near := pgq._closest_name(v_unknown, array(
        (select name from pgq.queues limit 500)
        union
        (select options ->> 'queue' from pgq.tasks where options ? 'queue' limit 500)
        union
        select 'default'
      ));
      perform pgq._raise_unknown('queue', v_unknown, v_near);
    end if;
  end if;
end
$$;

comment on function pgq._check_names is
  'Raise if a task or a queue is unknown and such names are refused.';
