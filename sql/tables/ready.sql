/*
 * The lane that claim_batch walks. Rows are inserted and deleted, and updated by nobody but upkeep:
 * after a restore, and when their queue becomes fair.
 *
 * ready_xid orders jobs of one priority by the transaction that made them ready. It also lets
 * ready_marks say "nothing below this is left" without losing a job that commits late: a
 * transaction's id is known before its row is visible, a job id's commit order is not.
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
  'The transaction that made it ready: first come, first served.';
comment on column pgq.ready.job_id is 'The job.';
comment on column pgq.ready.task is
  'As in jobs; lets a claim pass over tasks that the worker does not know.';
comment on column pgq.ready.ready_at is 'Since when it has been waiting for a worker.';
comment on column pgq.ready.partition_key is 'As in jobs.';
comment on column pgq.ready.expires_at is
  'As in jobs; claims pass over an expired job until maintain() ends it.';
