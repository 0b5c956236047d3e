/*
 * The lane that claim_batch reads. Rows are inserted and deleted. Only maintenance updates them:
 * after a restore, and when their queue becomes fair.
 *
 * ready_xid orders jobs of one priority by the transaction that made them ready. It also makes
 * ready_marks safe for a job that commits late: no row can appear with the id of a transaction that
 * has ended, but one can appear with a lower job id.
 */
create table pgq.ready (
  queue text not null,
  priority integer not null,
  ready_xid xid8 not null default pg_current_xact_id(),
  job_id bigint not null,
  task text not null,
  ready_at timestamptz not null,
  expires_at timestamptz,
  partition_key text,
  constraint ready_pkey primary key (job_id)
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_insert_scale_factor = 0.5,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 5000,
  autovacuum_vacuum_cost_delay = 0
);

create index ready_claim_idx on pgq.ready (queue, priority, ready_xid, job_id);
create index ready_fair_idx on pgq.ready (queue, partition_key, priority, ready_xid, job_id)
where partition_key is not null;

comment on table pgq.ready is 'Lane of jobs that may be claimed now.';
comment on column pgq.ready.queue is 'As in jobs.';
comment on column pgq.ready.priority is 'As in jobs.';
comment on column pgq.ready.ready_xid is
  'The transaction that made it ready; the oldest comes first.';
comment on column pgq.ready.job_id is 'The job.';
comment on column pgq.ready.task is
  'As in jobs; with it a claim skips tasks that the worker does not know.';
comment on column pgq.ready.ready_at is 'Since when it has been waiting for a worker.';
comment on column pgq.ready.partition_key is 'As in jobs.';
comment on column pgq.ready.expires_at is
  'As in jobs; claims skip an expired job until maintain() ends it.';
