/*
 * What each tick did. The primary key ensures that a tick fires once. Rows stay when the schedule
 * is deleted, so a new schedule under the same name does not fire a tick again.
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

comment on table pgq.schedule_runs is 'What the ticks of schedules did.';
comment on column pgq.schedule_runs.schedule is 'The name of the schedule.';
comment on column pgq.schedule_runs.run_at is
  'The tick; for missed, the first one that was skipped.';
comment on column pgq.schedule_runs.fired_at is 'When the tick was handled.';
comment on column pgq.schedule_runs.outcome is
  'enqueued, skipped (its last job was still live), missed, manual or failed.';
comment on column pgq.schedule_runs.job_id is
  'The job that was enqueued; for skipped, the job that was still live.';
comment on column pgq.schedule_runs.missed_until is 'The last tick that was skipped.';
comment on column pgq.schedule_runs.message is 'Why it failed.';
