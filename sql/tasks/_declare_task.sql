/*
 * Store what a source says of a task; answer added, changed or unchanged. Without a change nothing
 * is locked. What operators said stays. The last source that declares a task owns it.
 */
create or replace function pgq._declare_task(task pgq.tasks, source text, now_at timestamptz)
  returns text
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_old pgq.tasks;
begin
  select * into v_old from pgq.tasks where name = _declare_task.task.name;
  if (v_old.declared, v_old.parameters, v_old.source) is not distinct from (
    _declare_task.task.declared, _declare_task.task.parameters, _declare_task.source
  ) then
    return 'unchanged';
  end if;
  v_old := pgq._lock_task(_declare_task.task.name, now_at);
  update pgq.tasks
  set declared = _declare_task.task.declared,
      parameters = _declare_task.task.parameters,
      source = _declare_task.source,
      changed_at = now_at
  where name = v_old.name;
  return case when v_old.source is null then 'added' else 'changed' end;
end
$$;

comment on function pgq._declare_task is 'Store what a source says of a task.';
