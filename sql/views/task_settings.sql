create or replace view pgq.task_settings as
select known.name as task,
  known.source,
  known.options,
  known.declared,
  known.configured,
  known.changed_at
from pgq.tasks as known
order by known.name;

comment on view pgq.task_settings is
  'The tasks that code or an operator has named, and the defaults of their jobs.';
comment on column pgq.task_settings.task is 'The task.';
comment on column pgq.task_settings.source is
  'What declares it by sync_tasks(); null: only operators have named it.';
comment on column pgq.task_settings.options is
  'The defaults that count: what operators say goes before the code.';
comment on column pgq.task_settings.declared is 'What its code says.';
comment on column pgq.task_settings.configured is 'What operators say, by configure_task().';
comment on column pgq.task_settings.changed_at is 'When any of it was last changed.';
