create or replace view pgq.retention_settings as
select null as queue,
  null as task,
  coalesce(whole.succeeded, setting.keep_history_for) as succeeded,
  coalesce(whole.failed, setting.keep_history_for) as failed,
  coalesce(whole.cancelled, setting.keep_history_for) as cancelled,
  whole.results,
  coalesce(whole.schedule_history, setting.keep_history_for) as schedule_history
from pgq.settings as setting
left join pgq.retention as whole on whole.queue = '' and whole.task = ''
union all
select nullif(one.queue, ''),
  nullif(one.task, ''),
  one.succeeded,
  one.failed,
  one.cancelled,
  one.results,
  null
from pgq.retention as one
where one.queue <> '' or one.task <> '';

comment on view pgq.retention_settings is
  'How long finished jobs are kept: of all, and where configure_retention() says otherwise.';
comment on column pgq.retention_settings.queue is 'The queue; null: it is not of one queue.';
comment on column pgq.retention_settings.task is 'The task; null: it is not of one task.';
comment on column pgq.retention_settings.succeeded is
  'How long jobs that succeeded are kept; null: as the queue or the row for all says; 0: no row.';
comment on column pgq.retention_settings.failed is 'How long jobs that failed are kept.';
comment on column pgq.retention_settings.cancelled is
  'How long jobs that were cancelled or expired are kept.';
comment on column pgq.retention_settings.results is
  'How long results are kept; null: as the queue or the row for all says, or as their jobs.';
comment on column pgq.retention_settings.schedule_history is
  'How long it is kept what the ticks of schedules did; only in the row for all.';
