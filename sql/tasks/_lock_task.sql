/*
 * Lock the row of a task, which is made if there is none, and return it. Waits for a session that
 * changes the same task.
 */
create or replace function pgq._lock_task(task text, now_at timestamptz)
  returns pgq.tasks
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_task pgq.tasks;
begin
  loop
    select *
    into v_task
    from pgq.tasks as known
    where known.name = _lock_task.task
    for update;
    if found then
      return v_task;
    end if;
    insert into pgq.tasks (name, changed_at)
    values (_lock_task.task, now_at)
    on conflict on constraint tasks_pkey do nothing;
  end loop;
end
$$;

comment on function pgq._lock_task is 'Lock the row of a task, which is made if there is none.';
