/*
 * Warn an operator whose call names an unknown task: its name is misspelt, or it has no job yet. It
 * looks at what is known of tasks without their jobs.
 */
create or replace function pgq._notice_unknown_task(task text)
  returns void
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
  if exists (select from pgq.tasks where name = task)
    or exists (select from pgq.workers as worker where task = any(worker.tasks))
    or exists (select from pgq.stat_totals as counted where counted.task = task)
  then
    return;
  end if;
  raise notice 'no worker or default has named task % so far, and no job of it has ended',
    pgq._shorten(task)
    using hint = 'Check whether it is misspelt: task_stats() lists the tasks of the last hour.';
end
$$;

comment on function pgq._notice_unknown_task is
  'Warn an operator whose call names an unknown task.';
