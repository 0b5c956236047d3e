/*
 * Stop claims of a task's jobs in all queues, for a while or until resume_task(). It writes one
 * row, however many jobs wait. Enqueueing goes on, running jobs finish, and a claim that has
 * already begun may still take jobs. Other tasks of the same queues go on. An unknown task is
 * paused too, with a notice. A thousand tasks may be paused at a time.
 */
create or replace function pgq.pause_task(task text, duration interval default null)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if pause_task.task is null or length(pause_task.task) not between 1 and 256 then
    raise exception 'task is empty or longer than 256 characters'
      using errcode = 'JQ002',
            hint = 'Name one task.';
  end if;
  if (select count(*) from pgq.pauses as pause where pause.kind = 'task') >= 1000 then
    raise exception 'a thousand tasks are paused already'
      using errcode = 'JQ002',
            hint = 'Pause their queues, by pause_queue().';
  end if;
  perform pgq._notice_unknown_task(pause_task.task collate "default");
  perform pgq._set_pause('task', '', pause_task.task collate "default", pause_task.duration);
  perform pgq._audit_call(
    'pause_task', pause_task.task,
    jsonb_build_object('duration', pgq._format_interval(pause_task.duration))
  );
end
$$;

comment on function pgq.pause_task is
  'Stop claims of a task''s jobs in all queues, for a while or until resume_task().';
