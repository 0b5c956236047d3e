/*
 * Let claims of a paused task's jobs go on, and wake workers that wait. Answers whether it was
 * paused.
 */
create or replace function pgq.resume_task(task text)
  returns boolean
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_resumed constant boolean := pgq._end_pause('task', '', resume_task.task collate "default");
begin
  if v_resumed then
    perform pgq._audit_call('resume_task', resume_task.task);
    perform pgq._wake_workers(array(select pgq._ready_queues() limit 1000));
  else
    perform pgq._notice_unknown_task(resume_task.task collate "default");
  end if;
  return v_resumed;
end
$$;

comment on function pgq.resume_task is
  'Let claims of a paused task''s jobs go on; answers whether it was paused.';
