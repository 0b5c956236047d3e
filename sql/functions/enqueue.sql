/*
 * Add a job to a queue, in the caller's transaction, and return its id.
 *
 * It only inserts: no row is locked that another session could be waiting for, however long the
 * caller's transaction stays open. The one exception is inherent: a second enqueue of a
 * unique_key waits until the transaction of the first has ended. With on_conflict => 'discard' it
 * answers null when the key is taken.
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
  batch_id bigint default null
)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_args constant jsonb := coalesce(pgq._to_json(enqueue.args, 'args'), '{}');
  v_queue constant text := coalesce(queue, 'default');
  v_max_bytes bigint;
  v_in_turn boolean;
  v_wakes boolean;
  v_problem text[];
  v_id bigint;
begin
  if num_nonnulls(
    priority, run_at, delay, max_attempts, backoff, timeout, expires_in, unique_key, on_conflict,
    headers, concurrency_key, concurrency_limit, concurrency_duration, concurrency_weight,
    concurrency_on_conflict, depends_on, on_parent_failure, partition_key, unique_while, unique_for,
    batch_id
  ) > 0 then
    return pgq._enqueue_job(
      enqueue.task, v_args, enqueue.queue, enqueue.priority, enqueue.run_at, enqueue.delay,
      enqueue.max_attempts, enqueue.backoff, enqueue.timeout, enqueue.expires_in,
      enqueue.unique_key, enqueue.on_conflict, enqueue.headers, enqueue.concurrency_key,
      enqueue.concurrency_limit, enqueue.concurrency_duration, enqueue.concurrency_weight,
      enqueue.concurrency_on_conflict, enqueue.depends_on, enqueue.on_parent_failure,
      enqueue.partition_key, enqueue.unique_while, enqueue.unique_for, enqueue.batch_id
    );
  end if;

  -- The usual job, as _new_job would make it. An expression over options costs time even where it
  -- says nothing.
  select max_args_bytes, exists (select from pgq.queues where fair or rate_per_key),
    exists (select from pgq.workers where idle)
  into v_max_bytes, v_in_turn, v_wakes
  from pgq.settings;

  v_problem := pgq._job_problem(
    enqueue.task, v_args, v_queue, null, null, null, null, null, null, null, null, null, null, null,
    v_max_bytes
  );
  if v_problem is not null then
    perform pgq._raise_invalid_job(v_problem);
  end if;
  insert into pgq.jobs (queue, task, priority, max_attempts, run_at, created_at, args)
  values (v_queue, enqueue.task, 0, 5, v_now, v_now, v_args)
  returning id into v_id;

  insert into pgq.ready (queue, priority, job_id, task, ready_at, partition_key)
  values (
    v_queue, 0, v_id, enqueue.task, v_now, case when v_in_turn then pgq._turn_key(v_queue) end
  );
  if v_wakes then
    perform pgq._wake_workers(array[v_queue]);
  end if;
  return v_id;
end
$$;

comment on function pgq.enqueue is
  'Add a job to a queue, in the caller''s transaction, and return its id.';
