/*
 * The state of the job is looked up for the rows that are shown, and only when it is asked for.
 */
create or replace view pgq.schedule_history as
select run.schedule, run.run_at, run.fired_at, run.outcome, run.job_id,
  (select job.state from pgq.all_jobs as job where job.id = run.job_id limit 1) as job_state,
  case when run.outcome in ('enqueued', 'skipped') then run.fired_at - run.run_at end as delay,
  run.missed_until, run.message
from pgq.schedule_runs as run;

comment on view pgq.schedule_history is 'What the ticks of schedules did.';
comment on column pgq.schedule_history.schedule is 'The schedule; it may be deleted.';
comment on column pgq.schedule_history.run_at is
  'The tick; for missed, the first one that was skipped.';
comment on column pgq.schedule_history.fired_at is 'When the tick was handled.';
comment on column pgq.schedule_history.outcome is
  'enqueued, skipped (its last job was still live), missed, manual or failed.';
comment on column pgq.schedule_history.job_id is
  'The job that was enqueued; for skipped, the job that was still live.';
comment on column pgq.schedule_history.job_state is
  'The state of that job; null: it is not in the history any more.';
comment on column pgq.schedule_history.delay is 'How late the tick fired.';
comment on column pgq.schedule_history.missed_until is
  'For missed, the last tick that was skipped.';
comment on column pgq.schedule_history.message is 'For failed, the reason.';
