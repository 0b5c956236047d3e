/*
 * The newest mark of a queue for a list of tasks, in their order; null: there is none.
 */
create or replace function pgq._task_mark(queue text, tasks text[])
  returns pgq.task_marks
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_mark pgq.task_marks;
begin
  select *
  into v_mark
  from pgq.task_marks as known
  where known.queue = _task_mark.queue
    and known.tasks_key = hashtextextended(_task_mark.tasks::text, 0)
  order by known.id desc
  limit 1;
  if v_mark.tasks = _task_mark.tasks and v_mark.server_started_at = pg_postmaster_start_time() then
    return v_mark;
  end if;
  return null;
end
$$;

comment on function pgq._task_mark is 'The newest mark of a queue for a list of tasks.';
