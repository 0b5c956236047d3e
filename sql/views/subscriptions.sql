create or replace view pgq.subscriptions as
select known.topic, known.name, known.job ->> 'task' as task,
  coalesce(known.job ->> 'queue', 'default') as queue,
  known.filter,
  known.job - '{task,queue}'::text[] as options,
  known.created_at
from pgq.topic_subscriptions as known
order by known.topic, known.name;

comment on view pgq.subscriptions is 'Which topics make which jobs; see subscribe().';
comment on column pgq.subscriptions.topic is
  'The topic, or a pattern: orders.* for all whose names begin with orders., * for all.';
comment on column pgq.subscriptions.name is 'What it is called among those of its topic.';
comment on column pgq.subscriptions.task is 'The task of its jobs.';
comment on column pgq.subscriptions.queue is 'The queue of its jobs.';
comment on column pgq.subscriptions.filter is
  'What a payload must contain; null: all payloads fit.';
comment on column pgq.subscriptions.options is 'Other options of its jobs.';
comment on column pgq.subscriptions.created_at is 'When it was made.';
