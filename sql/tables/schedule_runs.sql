/*
 * What became of each tick. The primary key is the proof that a tick fired once. It outlives the
 * schedule, so one that is made anew under its name does not fire a tick again.
 */
create table pgq.schedule_runs (
  schedule text not null,
  run_at timestamptz not null,
  fired_at timestamptz not null,
  outcome text not null,
  job_id bigint,
  missed_until timestamptz,
  message text,
  constraint schedule_runs_pkey primary key (schedule, run_at),
  constraint schedule_runs_outcome_fits check (
    case outcome
      when 'enqueued' then job_id is not null
      when 'skipped' then job_id is not null
      when 'manual' then job_id is not null
      when 'missed' then missed_until >= run_at
      when 'failed' then message is not null
      else false
    end
  )
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_insert_scale_factor = 0.2,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 10000,
  autovacuum_vacuum_cost_delay = 0
);

create index schedule_runs_prune_idx on pgq.schedule_runs (fired_at);

comment on table pgq.schedule_runs is 'What became of the ticks of schedules.';
comment on column pgq.schedule_runs.schedule is 'The name of the schedule.';
comment on column pgq.schedule_runs.run_at is
  'The tick; for missed, the first one that was passed over.';
comment on column pgq.schedule_runs.fired_at is 'When it was dealt with.';
comment on column pgq.schedule_runs.outcome is
  'enqueued, skipped (its last job still lived), missed, manual or failed.';
comment on column pgq.schedule_runs.job_id is
  'The job that was enqueued; for skipped, the one that still lived.';
comment on column pgq.schedule_runs.missed_until is 'The last tick that was passed over.';
comment on column pgq.schedule_runs.message is 'Why it failed.';
