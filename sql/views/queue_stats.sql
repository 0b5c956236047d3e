/*
 * Costs the same at any backlog: waiting and failed jobs are counted up to a limit, and the running
 * lane is as small as the workers' concurrency.
 */
create or replace view pgq.queue_stats as
with due as (
  select queue, count(*) as jobs
  from (select queue from pgq.scheduled limit 100000) as counted
  group by queue
),
waiters as (
  select queue, count(*) as jobs
  from (select queue from pgq.blocked limit 100000) as counted
  group by queue
),
claims as (
  select queue, count(*) as jobs
  from pgq.running
  group by queue
),
counted as materialized (
  select * from pgq._queue_counts()
),
names as (
  select queue from counted
  union
  select queue from due
  union
  select queue from waiters
)
select names.queue,
  coalesce(counted.ready, 0) as ready,
  coalesce(due.jobs, 0) as scheduled,
  coalesce(waiters.jobs, 0) as blocked,
  coalesce(claims.jobs, 0) as running,
  coalesce(counted.failed, 0) as failed_today,
  coalesce(counted.expired, 0) as expired_today,
  pgq._now() - counted.oldest_at as lag,
  coalesce(
    configured.paused_at is not null
      and (configured.paused_until is null or configured.paused_until > pgq._now()),
    false
  ) as paused
from names
left join pgq.queues as configured on configured.name = names.queue
left join counted on counted.queue = names.queue
left join due on due.queue = names.queue
left join waiters on waiters.queue = names.queue
left join claims on claims.queue = names.queue
order by names.queue;

comment on view pgq.queue_stats is 'Every queue in use or configured: what waits, runs and failed.';
comment on column pgq.queue_stats.queue is 'The queue.';
comment on column pgq.queue_stats.ready is 'Jobs that wait for a worker, counted up to 10,000.';
comment on column pgq.queue_stats.scheduled is
  'Jobs whose time has not come, among the first 100,000 of all queues.';
comment on column pgq.queue_stats.blocked is
  'Jobs that wait for other jobs, among the first 100,000 of all queues.';
comment on column pgq.queue_stats.running is 'Jobs that are claimed.';
comment on column pgq.queue_stats.failed_today is
  'Jobs that ended as failed in the last 24 hours, counted up to 10,000.';
comment on column pgq.queue_stats.expired_today is
  'Jobs that expired, not started in time, in the last 24 hours, counted up to 10,000.';
comment on column pgq.queue_stats.lag is 'How long the oldest ready job has been waiting.';
comment on column pgq.queue_stats.paused is 'Whether claims are stopped.';
