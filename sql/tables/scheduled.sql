create table pgq.scheduled (
  job_id bigint not null,
  run_at timestamptz not null,
  priority integer not null,
  queue text not null,
  constraint scheduled_pkey primary key (job_id)
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_insert_scale_factor = 0.5,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 5000,
  autovacuum_vacuum_cost_delay = 0
);

create index scheduled_promote_idx on pgq.scheduled (run_at, priority, job_id);

comment on table pgq.scheduled is 'Lane of jobs whose time has not come, retries among them.';
comment on column pgq.scheduled.job_id is 'The job.';
comment on column pgq.scheduled.run_at is 'When promote_due makes it ready.';
comment on column pgq.scheduled.priority is
  'As in jobs; orders jobs that are due at the same time.';
comment on column pgq.scheduled.queue is 'As in jobs.';
