/*
 * The lane of jobs that wait for something other than time: first for their parents, then for a
 * slot of their semaphore.
 *
 * enqueue locks nothing, so it does not check whether a new row must wait at all. promote_due does:
 * it reads the parents of every new row once, and the semaphores in the notes.
 *
 * Jobs in strict order stand in line by their ids alone, before others of the same semaphore: they
 * have the lowest priority and transaction there are. No mark of key_marks reaches these two, and
 * the id of a job that was not committed yet may come before those that were.
 */
create table pgq.blocked (
  job_id bigint not null,
  queue text not null,
  priority integer not null,
  has_parents boolean not null,
  concurrency_key text,
  discard boolean not null default false,
  is_new boolean not null,
  waiting_xid xid8 not null default pg_current_xact_id(),
  constraint blocked_pkey primary key (job_id)
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_insert_scale_factor = 0.5,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 5000,
  autovacuum_vacuum_cost_delay = 0
);

create index blocked_new_idx on pgq.blocked ((job_id + 0)) where is_new;
create index blocked_key_idx on pgq.blocked (concurrency_key, priority, waiting_xid, job_id)
where not has_parents;
create index blocked_discard_idx on pgq.blocked (concurrency_key)
where discard and not has_parents;

comment on table pgq.blocked is 'Lane of jobs that wait for their parents or for a semaphore.';
comment on column pgq.blocked.job_id is 'The job.';
comment on column pgq.blocked.queue is 'As in jobs.';
comment on column pgq.blocked.priority is
  'As in jobs, or the lowest, in strict order; the best waiter gets the next slot.';
comment on column pgq.blocked.has_parents is 'Whether it still waits for parents.';
comment on column pgq.blocked.concurrency_key is 'The semaphore that it needs; null: none.';
comment on column pgq.blocked.discard is
  'Whether it ends as cancelled if it finds no free slot.';
comment on column pgq.blocked.is_new is 'Whether promote_due has still to read its parents.';
comment on column pgq.blocked.waiting_xid is
  'The transaction that made it wait, or 1, in strict order; the oldest comes first.';
