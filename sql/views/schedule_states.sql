/*
 * Without the job that a schedule enqueues, and without what anybody wrote.
 */
create or replace view pgq.schedule_states as
select name, timing, timezone, task, queue, paused, problem is not null as broken, next_run_at,
  last_run_at, last_outcome, last_job_id, late, catch_up, overlap, source
from pgq.schedule_status;

comment on view pgq.schedule_states is 'Recurring jobs, without what they carry.';
comment on column pgq.schedule_states.name is 'The schedule.';
comment on column pgq.schedule_states.timing is 'Its cron expression, or how far apart it runs.';
comment on column pgq.schedule_states.timezone is 'By whose clocks cron is read.';
comment on column pgq.schedule_states.task is 'The task that it enqueues.';
comment on column pgq.schedule_states.queue is 'The queue of its jobs.';
comment on column pgq.schedule_states.paused is 'Whether it does not fire.';
comment on column pgq.schedule_states.broken is
  'Whether it was paused by itself, because of a problem.';
comment on column pgq.schedule_states.next_run_at is
  'When it is due; while it is paused, a tick that tells its phase.';
comment on column pgq.schedule_states.last_run_at is
  'The last tick that was dealt with, or run_schedule_now().';
comment on column pgq.schedule_states.last_outcome is
  'What became of it: enqueued, skipped, missed, manual or failed.';
comment on column pgq.schedule_states.last_job_id is 'The job of it.';
comment on column pgq.schedule_states.late is 'How long it has been due; null: it is not.';
comment on column pgq.schedule_states.catch_up is
  'Which missed ticks are made up for: skip, last or all.';
comment on column pgq.schedule_states.overlap is
  'Whether a tick enqueues a job while the last one lives: allow or skip.';
comment on column pgq.schedule_states.source is 'What declares it; null: schedule() made it.';
