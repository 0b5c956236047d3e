/*
 * Without what a job carries: no arguments, headers, progress, result, errors or keys, nor anything
 * that is made of them.
 */
create or replace view pgq.job_states as
select id, state, queue, task, priority, attempt, max_attempts, run_at, created_at, ready_at,
  claimed_at, finished_at, expires_at, timeout, worker_id, batch_id
from pgq.all_jobs;

comment on view pgq.job_states is 'Jobs of every state, without what they carry.';
comment on column pgq.job_states.id is 'The job.';
comment on column pgq.job_states.state is
  'scheduled, blocked, ready, running, succeeded, failed, cancelled or expired.';
comment on column pgq.job_states.queue is 'The queue.';
comment on column pgq.job_states.task is 'The name of the handler.';
comment on column pgq.job_states.priority is 'Lower runs first.';
comment on column pgq.job_states.attempt is 'Attempts started so far, the running one included.';
comment on column pgq.job_states.max_attempts is 'How many attempts it may have.';
comment on column pgq.job_states.run_at is
  'Not before this time; for a retry, the time of the retry.';
comment on column pgq.job_states.created_at is 'When it was enqueued.';
comment on column pgq.job_states.ready_at is
  'Since when its last attempt waited for a worker.';
comment on column pgq.job_states.claimed_at is 'When its last attempt was claimed.';
comment on column pgq.job_states.finished_at is 'When it ended.';
comment on column pgq.job_states.expires_at is 'Not started by then, it ends as expired.';
comment on column pgq.job_states.timeout is 'How long one attempt may run.';
comment on column pgq.job_states.worker_id is 'The worker of its last attempt.';
comment on column pgq.job_states.batch_id is 'The batch that it counts for.';
