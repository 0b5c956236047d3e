/*
 * The lane of claimed jobs. A row is the claim: only a session that knows its claim_id may settle
 * the job. The settle deletes it, so a second settle finds nothing to change.
 */
create table pgq.running (
  job_id bigint not null,
  claim_id bigint not null,
  worker_id bigint,
  queue text not null,
  task text not null,
  ready_at timestamptz not null,
  claimed_at timestamptz not null,
  progress jsonb,
  limited_xid xid8,
  constraint running_pkey primary key (job_id)
) with (
  fillfactor = 80,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 5000,
  autovacuum_vacuum_cost_delay = 0
);

create index running_limited_idx on pgq.running (queue, limited_xid)
where limited_xid is not null;

comment on table pgq.running is 'Lane of claimed jobs; a row is the claim.';
comment on column pgq.running.job_id is 'The job.';
comment on column pgq.running.claim_id is
  'The fence: random, new for every claim; every settle must pass it.';
comment on column pgq.running.worker_id is
  'The worker that claimed it; null: a session without one.';
comment on column pgq.running.queue is 'As in jobs.';
comment on column pgq.running.task is 'As in jobs.';
comment on column pgq.running.ready_at is 'Since when it had been waiting.';
comment on column pgq.running.claimed_at is 'When it was claimed.';
comment on column pgq.running.progress is 'The progress that the handler last reported.';
comment on column pgq.running.limited_xid is
  'The transaction since which max_running counts it, see key_marks; null: it does not count.';
