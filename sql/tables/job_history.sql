/*
 * Finished jobs, with a partition for each day of finished_at. maintain() makes partitions ahead
 * and drops old ones. The default partition takes a row whose day has no partition, so that no
 * settle is ever refused.
 *
 * There is no CHECK, because every settle would read it again, which costs as much as the rest of
 * the insert. Two statements write rows of jobs that succeeded, and one all others; verify() checks
 * the rows.
 *
 * Keys and indexes belong to the partitions, and new partitions get those of the default partition.
 * Indexes of the whole table would be made twice when a dump of an extension is restored.
 */
create table pgq.job_history (
  id bigint not null,
  state text not null,
  queue text not null,
  task text not null,
  priority integer not null,
  attempt integer not null,
  max_attempts integer not null,
  run_at timestamptz not null,
  created_at timestamptz not null,
  ready_at timestamptz,
  claimed_at timestamptz,
  finished_at timestamptz not null,
  worker_id bigint,
  claim_id bigint,
  timeout interval,
  unique_key text,
  unique_while text,
  concurrency jsonb,
  depends_on bigint[],
  on_parent_failure text,
  batch_id bigint,
  partition_key text,
  args jsonb not null,
  headers jsonb,
  backoff jsonb,
  errors jsonb,
  result jsonb
) partition by range (finished_at);

create table pgq.job_history_default partition of pgq.job_history (
  constraint job_history_default_pkey primary key (id)
) default;

create index job_history_default_failed_idx
on pgq.job_history_default (queue, state, finished_at)
where state in ('failed', 'expired');
create index job_history_default_error_idx on pgq.job_history_default
  ((errors -> -1 ->> 'fingerprint'), task, queue)
where state = 'failed';
create index job_history_default_error_type_idx on pgq.job_history_default
  ((errors -> -1 ->> 'type'))
where state = 'failed';
create index job_history_default_unsucceeded_idx on pgq.job_history_default (id, finished_at)
where state <> 'succeeded';
create index job_history_default_batch_idx on pgq.job_history_default (batch_id, state)
where batch_id is not null;

comment on table pgq.job_history is 'Finished jobs, a partition a day.';
comment on table pgq.job_history_default is
  'Finished jobs of days without a partition; usually empty.';
comment on column pgq.job_history.id is 'As in jobs.';
comment on column pgq.job_history.state is 'How it ended: succeeded, failed, cancelled or expired.';
comment on column pgq.job_history.queue is 'As in jobs.';
comment on column pgq.job_history.task is 'As in jobs.';
comment on column pgq.job_history.priority is 'As in jobs.';
comment on column pgq.job_history.attempt is 'How many attempts were started.';
comment on column pgq.job_history.max_attempts is 'As in jobs.';
comment on column pgq.job_history.run_at is 'As in jobs.';
comment on column pgq.job_history.created_at is 'As in jobs.';
comment on column pgq.job_history.ready_at is
  'Since when its last attempt waited for a worker; null: it never became ready.';
comment on column pgq.job_history.claimed_at is 'When its last attempt was claimed; null: never.';
comment on column pgq.job_history.finished_at is 'When it ended.';
comment on column pgq.job_history.worker_id is 'The worker of its last attempt.';
comment on column pgq.job_history.claim_id is
  'The claim that ended its last attempt; it identifies a repeated settle.';
comment on column pgq.job_history.timeout is 'As in jobs.';
comment on column pgq.job_history.unique_key is 'As in jobs; the key is free since the job ended.';
comment on column pgq.job_history.unique_while is
  'queued: it had the key until it was claimed; null: until it ended.';
comment on column pgq.job_history.concurrency is 'As in jobs.';
comment on column pgq.job_history.depends_on is 'As in jobs.';
comment on column pgq.job_history.on_parent_failure is 'As in jobs.';
comment on column pgq.job_history.batch_id is 'As in jobs.';
comment on column pgq.job_history.partition_key is 'As in jobs.';
comment on column pgq.job_history.args is 'As in jobs.';
comment on column pgq.job_history.headers is 'As in jobs.';
comment on column pgq.job_history.backoff is 'As in jobs.';
comment on column pgq.job_history.errors is 'As in jobs.';
comment on column pgq.job_history.result is
  'What the handler returned; null: nothing, or it did not succeed.';
