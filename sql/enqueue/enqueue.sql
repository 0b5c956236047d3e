/*
 * Add a job to a queue, in the caller's transaction, and return its id.
 *
 * It only inserts. So it locks no row that another session could wait for, even if the caller's
 * transaction stays open for long. There is one exception, which cannot be avoided: a second
 * enqueue of a unique_key waits until the transaction of the first has ended. With on_conflict =>
 * 'discard' it returns null when the key is taken.
 *
 * What is not given here has the default that the task has by configure_task() or sync_tasks().
 * declared: the names of arguments that are only the defaults of the task in the caller's code;
 * configure_task() goes before them. unique_by => 'args' makes the unique_key of the task and the
 * args, so that two jobs with the same ones are never live at once. max_wait: replacing puts a job
 * off to no later than this after it was first enqueued.
 */
create or replace function pgq.enqueue(
  task text,
  args anycompatible default '{}'::text,
  queue text default null,
  priority bigint default null,
  run_at timestamptz default null,
  delay interval default null,
  max_attempts bigint default null,
  backoff text default null,
  timeout interval default null,
  expires_in interval default null,
  unique_key text default null,
  on_conflict text default null,
  headers text default null,
  concurrency_key text default null,
  concurrency_limit bigint default null,
  concurrency_duration interval default null,
  concurrency_weight bigint default null,
  concurrency_on_conflict text default null,
  depends_on bigint[] default null,
  on_parent_failure text default null,
  partition_key text default null,
  unique_while text default null,
  unique_for interval default null,
  batch_id bigint default null,
  declared text[] default null,
  unique_by text default null,
  max_wait interval default null,
  concurrency_order text default null
)
  returns bigint
  language sql
as $$
  select pgq._enqueue(
    enqueue.task collate pg_catalog."default", pgq._to_json(enqueue.args, 'args'), enqueue.queue,
    enqueue.priority,
    enqueue.run_at, enqueue.delay, enqueue.max_attempts, enqueue.backoff, enqueue.timeout,
    enqueue.expires_in, enqueue.unique_key, enqueue.on_conflict, enqueue.headers,
    enqueue.concurrency_key, enqueue.concurrency_limit, enqueue.concurrency_duration,
    enqueue.concurrency_weight, enqueue.concurrency_on_conflict, enqueue.depends_on,
    enqueue.on_parent_failure, enqueue.partition_key, enqueue.unique_while, enqueue.unique_for,
    enqueue.batch_id, enqueue.declared, enqueue.unique_by, enqueue.max_wait,
    enqueue.concurrency_order
  )
$$;

comment on function pgq.enqueue is
  'Add a job to a queue, in the caller''s transaction, and return its id.';
