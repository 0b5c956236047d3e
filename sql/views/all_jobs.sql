/*
 * Each branch has its state as a constant, so that a condition on state skips the other branches.
 */
create or replace view pgq.all_jobs as
select job.id, 'scheduled'::text as state, job.queue, job.task, job.priority, job.attempt,
  job.max_attempts, job.run_at, job.created_at, null::timestamptz as ready_at,
  null::timestamptz as claimed_at, null::timestamptz as finished_at, job.expires_at, job.timeout,
  null::bigint as worker_id, job.unique_key, job.args, job.headers, null::jsonb as progress,
  job.errors, null::jsonb as result, job.batch_id, job.partition_key,
  job.concurrency ->> 'key' as concurrency_key
from pgq.jobs as job
join pgq.scheduled as lane on lane.job_id = job.id
union all
select job.id, 'blocked', job.queue, job.task, job.priority, job.attempt, job.max_attempts,
  job.run_at, job.created_at, null, null, null, job.expires_at, job.timeout, null, job.unique_key,
  job.args, job.headers, null, job.errors, null, job.batch_id, job.partition_key,
  job.concurrency ->> 'key'
from pgq.jobs as job
join pgq.blocked as lane on lane.job_id = job.id
union all
select job.id, 'ready', job.queue, job.task, job.priority, job.attempt, job.max_attempts,
  job.run_at, job.created_at, lane.ready_at, null, null, job.expires_at, job.timeout, null,
  job.unique_key, job.args, job.headers, null, job.errors, null, job.batch_id, job.partition_key,
  job.concurrency ->> 'key'
from pgq.jobs as job
join pgq.ready as lane on lane.job_id = job.id
union all
select job.id, 'running', job.queue, job.task, job.priority, job.attempt + 1, job.max_attempts,
  job.run_at, job.created_at, lane.ready_at, lane.claimed_at, null, job.expires_at, job.timeout,
  lane.worker_id, job.unique_key, job.args, job.headers, lane.progress, job.errors, null,
  job.batch_id, job.partition_key, job.concurrency ->> 'key'
from pgq.jobs as job
join pgq.running as lane on lane.job_id = job.id
union all
select past.id, past.state, past.queue, past.task, past.priority, past.attempt, past.max_attempts,
  past.run_at, past.created_at, past.ready_at, past.claimed_at, past.finished_at, null,
  past.timeout, past.worker_id, past.unique_key, past.args, past.headers, null, past.errors,
  past.result, past.batch_id, past.partition_key, past.concurrency ->> 'key'
from pgq.job_history as past;

comment on view pgq.all_jobs is 'Jobs of every state, live and finished, with the same columns.';
comment on column pgq.all_jobs.id is 'The job.';
comment on column pgq.all_jobs.state is
  'scheduled, blocked, ready, running, succeeded, failed, cancelled or expired.';
comment on column pgq.all_jobs.queue is 'The queue.';
comment on column pgq.all_jobs.task is 'The name of the handler.';
comment on column pgq.all_jobs.priority is 'Lower runs first.';
comment on column pgq.all_jobs.attempt is 'Attempts started so far, the running one included.';
comment on column pgq.all_jobs.max_attempts is 'How many attempts it may have.';
comment on column pgq.all_jobs.run_at is
  'Not before this time; for a retry, the time of the retry.';
comment on column pgq.all_jobs.created_at is 'When it was enqueued.';
comment on column pgq.all_jobs.ready_at is 'Since when its last attempt waited for a worker.';
comment on column pgq.all_jobs.claimed_at is 'When its last attempt was claimed.';
comment on column pgq.all_jobs.finished_at is 'When it ended.';
comment on column pgq.all_jobs.expires_at is 'If it has not started by then, it expires.';
comment on column pgq.all_jobs.timeout is 'How long one attempt may run.';
comment on column pgq.all_jobs.worker_id is 'The worker of its last attempt.';
comment on column pgq.all_jobs.unique_key is 'No two live jobs share it.';
comment on column pgq.all_jobs.args is 'Its arguments.';
comment on column pgq.all_jobs.headers is 'Its metadata.';
comment on column pgq.all_jobs.progress is 'The progress that the handler last reported.';
comment on column pgq.all_jobs.errors is 'The last failures, oldest first, at most ten.';
comment on column pgq.all_jobs.result is 'What the handler returned.';
comment on column pgq.all_jobs.batch_id is 'The batch that it belongs to.';
comment on column pgq.all_jobs.partition_key is
  'Whose job it is: a fair queue serves the keys in turn.';
comment on column pgq.all_jobs.concurrency_key is 'The semaphore that it needs; null: none.';
