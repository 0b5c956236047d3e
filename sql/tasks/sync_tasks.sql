/*
 * Say what the code of a program declares for its tasks; answer for each what was done: added,
 * changed, unchanged or refused, with the problem. hidden: options for which an operator has said
 * something else by configure_task(), which goes first.
 *
 * tasks: a JSON array of {"task", "options", "names", "defaults"}: the options as configure_task()
 * has them, and the names and the defaults of the handler's arguments, for templates.
 *
 * Workers call it when they start, any number at once: rows are locked in the order of their names,
 * and only those that change. A task that is not in the list stays: while two versions of a program
 * run, the older one must not take away what the newer one has added.
 */
create or replace function pgq.sync_tasks(source text, tasks text)
  returns table (task text, change text, hidden text[], problem text)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_source constant text collate "default" := sync_tasks.source collate "default";
  v_tasks constant jsonb := pgq._check_task_list(v_source, sync_tasks.tasks collate "default");
  v_item jsonb;
  v_task pgq.tasks;
  v_seen text[] collate "default";
  v_changed text[] collate "default";
  v_changes text[] collate "default";
begin
  for v_item in
    select item
    from jsonb_array_elements(v_tasks) as item
    order by item ->> 'task' collate "C"
  loop
    task := v_item ->> 'task';
    problem := null;
    hidden := null;
    begin
      v_task := pgq._read_declared_task(v_item);
    exception
      when sqlstate 'JQ002' then
        problem := sqlerrm;
    end;
    if problem is null then
      change := pgq._declare_task(v_task, v_source, v_now);
      hidden := (
        select array_agg(option order by option collate "C")
        from pgq.tasks as known
        cross join lateral jsonb_object_keys(known.declared) as option
        where known.name = v_task.name
          and known.configured ? option
      );
      v_seen := v_seen || task;
    else
      change := 'refused';
    end if;
    if change in ('added', 'changed') then
      v_changed := v_changed || task;
      v_changes := v_changes || change;
    end if;
    return next;
  end loop;
  perform pgq._look_up_tasks(array(
    select known.name
    from pgq.tasks as known
    where known.name = any(v_seen)
      and options - 'on_exhausted' <> '{}'
  ));
  perform pgq._audit_call(
    'sync_tasks', v_source, affected => coalesce(cardinality(v_changed), 0),
    options => jsonb_build_object('tasks', to_jsonb(v_changed[1:100])),
    outcomes => pgq._count_words(v_changes)
  );
end
$$;

comment on function pgq.sync_tasks is
  'Say what the code of a program declares for its tasks; answers what was done with each.';
