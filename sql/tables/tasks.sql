/*
 * What the jobs of a task get where their enqueue says nothing. Two say so, each in a column of its
 * own: the code that declares the task, by sync_tasks(), and operators, by configure_task(). What
 * an operator said goes before the code.
 */
create table pgq.tasks (
  name text not null,
  declared jsonb not null default '{}',
  configured jsonb not null default '{}',
  options jsonb not null generated always as (declared || configured) stored,
  parameters jsonb,
  source text,
  changed_at timestamptz not null,
  constraint tasks_pkey primary key (name),
  constraint tasks_name_is_short check (length(name) between 1 and 256)
);

comment on table pgq.tasks is 'The tasks that code or an operator has named, and their defaults.';
comment on column pgq.tasks.name is 'The task, as jobs name it.';
comment on column pgq.tasks.declared is
  'What the code says, as enqueue_many() takes it; keys are templates.';
comment on column pgq.tasks.configured is 'What operators say, in the same form.';
comment on column pgq.tasks.options is 'What counts: an operator goes before the code.';
comment on column pgq.tasks.parameters is
  'The arguments of the handler: {"names": [...], "defaults": {...}}, for templates.';
comment on column pgq.tasks.source is
  'What declares it by sync_tasks(); null: only operators have named it.';
comment on column pgq.tasks.changed_at is 'When it was last changed.';
