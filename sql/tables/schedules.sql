/*
 * Recurring jobs. next_run_at is always a tick. The session that locks the row, fires the ticks and
 * sets next_run_at to the following one has fired them once and for all. next_run_at also keeps the
 * phase of an interval, even while the schedule is paused.
 */
create table pgq.schedules (
  name text not null,
  cron text,
  every interval,
  timezone text not null default 'UTC',
  starts_at timestamptz,
  job jsonb not null,
  catch_up text not null default 'last',
  catch_up_window interval not null default '1 day',
  overlap text not null default 'allow',
  source text,
  description text,
  created_at timestamptz not null,
  next_run_at timestamptz,
  last_run_at timestamptz,
  paused_at timestamptz,
  problem text,
  constraint schedules_pkey primary key (name),
  constraint schedules_name_is_short check (length(name) between 1 and 128),
  constraint schedules_are_timed_one_way check (num_nonnulls(cron, every) = 1),
  constraint schedules_catch_up_is_known check (catch_up in ('skip', 'last', 'all')),
  constraint schedules_overlap_is_known check (overlap in ('allow', 'skip')),
  constraint schedules_run_again_unless_paused check (
    next_run_at is not null or paused_at is not null
  ),
  constraint schedules_with_a_problem_are_paused check (problem is null or paused_at is not null)
) with (
  fillfactor = 70,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 500,
  autovacuum_vacuum_cost_delay = 0
);

create index schedules_due_idx on pgq.schedules (next_run_at) where paused_at is null;

comment on table pgq.schedules is 'Recurring jobs: what to enqueue, and when next.';
comment on column pgq.schedules.name is 'The name of the schedule.';
comment on column pgq.schedules.cron is 'When it is due, by the calendar; see cron_next().';
comment on column pgq.schedules.every is 'How far apart its ticks are; a day is 24 hours.';
comment on column pgq.schedules.timezone is 'The time zone for cron.';
comment on column pgq.schedules.starts_at is
  'No tick is earlier, and an interval counts from there; null: from when it was made.';
comment on column pgq.schedules.job is 'What is enqueued, as enqueue_many() takes it.';
comment on column pgq.schedules.catch_up is
  'Which missed ticks still fire: skip, last or all.';
comment on column pgq.schedules.catch_up_window is
  'With catch_up all: older ticks do not fire.';
comment on column pgq.schedules.overlap is
  'skip: a tick enqueues nothing while the job of an earlier tick is live; allow: it does.';
comment on column pgq.schedules.source is
  'The source that declares it by sync_schedules(); null: somebody called schedule().';
comment on column pgq.schedules.description is 'For people.';
comment on column pgq.schedules.created_at is 'When it was made.';
comment on column pgq.schedules.next_run_at is 'The first tick not handled yet; null: none.';
comment on column pgq.schedules.last_run_at is 'The last tick that was handled.';
comment on column pgq.schedules.paused_at is 'Since when it does not fire; null: not paused.';
comment on column pgq.schedules.problem is 'Why it paused itself; null: it did not.';
