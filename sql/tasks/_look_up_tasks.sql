/*
 * Let enqueues look up these tasks from now on. It is never taken back: a lookup that finds nothing
 * costs little, and to know that no session is about to add a task would need a lock. An enqueue
 * asks for the bit of its task, so that jobs of other tasks pay for no lookup.
 */
create or replace function pgq._look_up_tasks(tasks text[])
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_task text;
begin
  foreach v_task in array coalesce(tasks, '{}') loop
    update pgq.settings
    set looks_up_tasks = true,
        task_filter = set_bit(task_filter, hashtext(v_task) & 1023, 1)
    where not looks_up_tasks
      or get_bit(task_filter, hashtext(v_task) & 1023) = 0;
  end loop;
end
$$;

comment on function pgq._look_up_tasks is 'Let enqueues look up these tasks from now on.';
