create or replace view pgq.schedule_status as
select schedule.name,
  -- The text is made here, because an interval's text has the style of the reading session.
  coalesce(schedule.cron, 'every ' || concat_ws(' ',
    nullif(12 * extract(year from every) + extract(month from every), 0) || ' months',
    case extract(day from every)
      when 0 then null when 1 then '1 day' else extract(day from every) || ' days'
    end,
    nullif(rtrim(rtrim(to_char(every, 'HH24:MI:SS.US'), '0'), '.'), '00:00:00')
  )) as timing,
  case when schedule.cron is not null then schedule.timezone end as timezone,
  schedule.job ->> 'task' as task,
  coalesce(schedule.job ->> 'queue', 'default') as queue,
  schedule.paused_at is not null as paused,
  schedule.next_run_at,
  coalesce(last.run_at, schedule.last_run_at) as last_run_at,
  last.outcome as last_outcome,
  last.job_id as last_job_id,
  case
    when schedule.paused_at is null and schedule.next_run_at < pgq._now()
    then pgq._now() - schedule.next_run_at
  end as late,
  schedule.catch_up, schedule.overlap, schedule.source, schedule.problem, schedule.description,
  schedule.every, schedule.job
from pgq.schedules as schedule
left join lateral (
  select run.run_at, run.outcome, run.job_id
  from pgq.schedule_runs as run
  where run.schedule = schedule.name
  order by run.run_at desc
  limit 1
) as last on true
order by schedule.name;

comment on view pgq.schedule_status is
  'Recurring jobs: when they run next, and what the last tick did.';
comment on column pgq.schedule_status.name is 'The schedule.';
comment on column pgq.schedule_status.timing is 'Its cron expression, or how far apart it runs.';
comment on column pgq.schedule_status.timezone is 'The time zone for cron.';
comment on column pgq.schedule_status.task is 'The task that it enqueues.';
comment on column pgq.schedule_status.queue is 'The queue of its jobs.';
comment on column pgq.schedule_status.paused is 'Whether it does not fire.';
comment on column pgq.schedule_status.next_run_at is
  'When it is due next; while it is paused, a tick that keeps its phase.';
comment on column pgq.schedule_status.last_run_at is
  'The last tick that was handled, or the last run_schedule_now().';
comment on column pgq.schedule_status.last_outcome is
  'What that tick did: enqueued, skipped, missed, manual or failed.';
comment on column pgq.schedule_status.last_job_id is 'The job of that tick.';
comment on column pgq.schedule_status.late is 'How long it has been due; null: it is not.';
comment on column pgq.schedule_status.catch_up is
  'Which missed ticks still fire: skip, last or all.';
comment on column pgq.schedule_status.overlap is
  'Whether a tick enqueues a job while the last job is live: allow or skip.';
comment on column pgq.schedule_status.source is
  'The source that declares it: change it there; null: schedule() made it.';
comment on column pgq.schedule_status.problem is 'Why it paused itself.';
comment on column pgq.schedule_status.description is 'A text for people.';
comment on column pgq.schedule_status.every is 'How far apart it runs; null: by cron.';
comment on column pgq.schedule_status.job is 'The job that it enqueues, as for enqueue_many().';
