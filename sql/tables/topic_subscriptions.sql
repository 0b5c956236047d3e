/*
 * Which jobs a publish makes. A publish reads them and locks none, so a transaction that has
 * published and stays open keeps nobody from subscribing.
 */
create table pgq.topic_subscriptions (
  topic text not null,
  name text not null,
  job jsonb not null,
  filter jsonb,
  created_at timestamptz not null,
  constraint topic_subscriptions_pkey primary key (topic, name),
  constraint topic_subscriptions_topic_is_short check (length(topic) between 1 and 100),
  constraint topic_subscriptions_name_is_short check (length(name) between 1 and 100)
);

comment on table pgq.topic_subscriptions is 'Which jobs publish() makes; see subscribe().';
comment on column pgq.topic_subscriptions.topic is
  'The topic, or a pattern: orders.* for all whose names begin with orders., * for all.';
comment on column pgq.topic_subscriptions.name is 'What it is called among those of its topic.';
comment on column pgq.topic_subscriptions.job is
  'The task, the queue and the options of its jobs, as enqueue_many() takes them.';
comment on column pgq.topic_subscriptions.filter is
  'What a payload must contain; null: all payloads fit.';
comment on column pgq.topic_subscriptions.created_at is 'When it was made.';
