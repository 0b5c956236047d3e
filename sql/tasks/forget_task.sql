/*
 * Remove a task with all its defaults; answer false if there is none. Jobs keep what they have. A
 * task that workers declare comes back when the next of them starts, without what operators set.
 */
create or replace function pgq.forget_task(task text)
  returns boolean
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_gone bigint;
begin
  delete from pgq.tasks as known
  where known.name = forget_task.task collate "default";
  get diagnostics v_gone = row_count;
  perform pgq._audit_call('forget_task', forget_task.task, affected => v_gone);
  return v_gone > 0;
end
$$;

comment on function pgq.forget_task is 'Remove a task with all its defaults.';
