create or replace view pgq.blocked_jobs as
select job.id, job.queue, job.task, job.priority, job.created_at,
  case when lane.has_parents then 'parents' else 'semaphore' end as waits_for,
  case
    when lane.has_parents
    then array(
      select edge.parent_id
      from pgq.dependencies as edge
      where edge.child_id = lane.job_id
      order by edge.parent_id
      limit 20
    )
  end as parents,
  lane.concurrency_key
from pgq.blocked as lane
join pgq.jobs as job on job.id = lane.job_id
order by job.id;

comment on view pgq.blocked_jobs is 'Jobs that wait for their parents or for a semaphore.';
comment on column pgq.blocked_jobs.id is 'The job.';
comment on column pgq.blocked_jobs.queue is 'The queue.';
comment on column pgq.blocked_jobs.task is 'The name of the handler.';
comment on column pgq.blocked_jobs.priority is 'Lower runs first.';
comment on column pgq.blocked_jobs.created_at is 'When it was enqueued.';
comment on column pgq.blocked_jobs.waits_for is 'parents or semaphore; parents come first.';
comment on column pgq.blocked_jobs.parents is
  'The parents that have not ended, at most twenty of them.';
comment on column pgq.blocked_jobs.concurrency_key is 'The semaphore that it needs, now or later.';
