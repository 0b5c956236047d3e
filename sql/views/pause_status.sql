/*
 * What is paused now. A pause whose time is over is not here.
 */
create or replace view pgq.pause_status as
select pause.kind, pause.queue, pause.task, pause.key, pause.paused_at, pause.paused_until
from (
  select 'queue' as kind, name as queue, null as task, null as key, paused_at, paused_until
  from pgq.queues
  where paused_at is not null
  union all
  select 'semaphore' as kind, null as queue, null as task, concurrency_key as key, paused_at,
    paused_until
  from pgq.semaphores
  where paused_at is not null
  union all
  select kind, nullif(queue, ''), case kind when 'task' then name end,
    case kind when 'partition' then name end, paused_at, paused_until
  from pgq.pauses
) as pause
where pause.paused_until is null or pause.paused_until > pgq._now()
order by pause.kind, pause.queue, pause.task, pause.key;

comment on view pgq.pause_status is
  'The queues, tasks, semaphores and partition keys that are paused, and since when.';
comment on column pgq.pause_status.kind is 'queue, task, semaphore or partition.';
comment on column pgq.pause_status.queue is
  'The queue that is paused, or in which a partition key is.';
comment on column pgq.pause_status.task is 'The task that is paused, in all queues.';
comment on column pgq.pause_status.key is 'The semaphore or the partition key that is paused.';
comment on column pgq.pause_status.paused_at is 'Since when it is paused.';
comment on column pgq.pause_status.paused_until is
  'When the pause ends by itself; null: when somebody resumes it.';
