create or replace view pgq.failed_jobs as
select past.id, past.queue, past.task, past.attempt, past.finished_at,
  past.errors -> -1 ->> 'type' as error_type,
  past.errors -> -1 ->> 'message' as error_message
from pgq.job_history as past
where past.state = 'failed';

comment on view pgq.failed_jobs is 'Jobs that are out of attempts; run them again with retry().';
comment on column pgq.failed_jobs.id is 'The job.';
comment on column pgq.failed_jobs.queue is 'The queue.';
comment on column pgq.failed_jobs.task is 'The name of the handler.';
comment on column pgq.failed_jobs.attempt is 'How many attempts it had.';
comment on column pgq.failed_jobs.finished_at is 'When the last attempt failed.';
comment on column pgq.failed_jobs.error_type is 'The class of the last error.';
comment on column pgq.failed_jobs.error_message is 'The message of the last error.';
