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
  v_headers constant jsonb := pgq._parse_json(enqueue.headers, 'headers');
  v_max_bytes constant bigint := (select max_args_bytes from pgq.settings);
  v_problem text[] := pgq._job_problem(
    enqueue.task, v_args, enqueue.queue, enqueue.priority, enqueue.run_at, enqueue.delay,
    enqueue.max_attempts, enqueue.timeout, enqueue.expires_in, enqueue.unique_key,
    enqueue.on_conflict, enqueue.unique_while, enqueue.unique_for, v_headers, v_max_bytes
  );
  v_job pgq.jobs;
begin
  v_problem := coalesce(v_problem, pgq._coordination_problem(
    enqueue.concurrency_key, enqueue.concurrency_limit, enqueue.concurrency_duration,
    enqueue.concurrency_weight, enqueue.concurrency_on_conflict, enqueue.depends_on,
    enqueue.on_parent_failure, enqueue.partition_key,
    case
      when enqueue.depends_on is not null
      then (select last_value - (not is_called)::integer from pgq.jobs_id_seq)
    end,
    enqueue.on_conflict
  ));
  if v_problem is not null then
    perform pgq._raise_invalid_job(v_problem);
  end if;
  if enqueue.batch_id is not null then
    perform pgq._join_batch(enqueue.batch_id);
  end if;

  select *
  into v_job
  from pgq._new_job(
    enqueue.task, v_args, enqueue.queue, enqueue.priority, enqueue.run_at, enqueue.delay,
    enqueue.max_attempts, enqueue.backoff, enqueue.timeout, enqueue.expires_in,
    enqueue.unique_key, v_headers, v_now,
    pgq._concurrency(
      enqueue.concurrency_key, enqueue.concurrency_limit, enqueue.concurrency_duration,
      enqueue.concurrency_weight, enqueue.concurrency_on_conflict
    ),
    enqueue.depends_on, enqueue.on_parent_failure, enqueue.partition_key, enqueue.batch_id
  );
  if v_job.unique_key is null then
    return pgq._insert_job(v_job, v_now);
  end if;
  return (
    select keyed.id
    from pgq._insert_keyed_job(
      v_job, enqueue.on_conflict, enqueue.unique_while, enqueue.unique_for, v_now
    ) as keyed
  );
end
$$;

comment on function pgq.enqueue is
  'Add a job to a queue, in the caller''s transaction, and return its id.';
