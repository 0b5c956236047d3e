create or replace view pgq.queue_settings as
select configured.name as queue,
  configured.paused_at is not null
    and (configured.paused_until is null or configured.paused_until > pgq._now()) as paused,
  configured.paused_until,
  configured.backoff
from pgq.queues as configured
order by configured.name;

comment on view pgq.queue_settings is
  'The queues that configure_queue() or pause_queue() has changed, and their options.';
comment on column pgq.queue_settings.queue is 'The queue.';
comment on column pgq.queue_settings.paused is 'Whether claims are stopped.';
comment on column pgq.queue_settings.paused_until is
  'When the pause ends, or ended, by itself; null: at resume_queue().';
comment on column pgq.queue_settings.backoff is
  'The backoff of jobs without their own; null: the default.';
