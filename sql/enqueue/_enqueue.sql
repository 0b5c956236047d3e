/*
 * What enqueue does once its args are jsonb: the part with the owner's rights.
 *
 * It only inserts. So it locks no row that another session could wait for, even if the caller's
 * transaction stays open for long. There is one exception, which cannot be avoided: a second
 * enqueue of a unique_key waits until the transaction of the first has ended.
 */
create or replace function pgq._enqueue(
  task text,
  args jsonb,
  queue text,
  priority bigint,
  run_at timestamptz,
  delay interval,
  max_attempts bigint,
  backoff text,
  timeout interval,
  expires_in interval,
  unique_key text,
  on_conflict text,
  headers text,
  concurrency_key text,
  concurrency_limit bigint,
  concurrency_duration interval,
  concurrency_weight bigint,
  concurrency_on_conflict text,
  depends_on bigint[],
  on_parent_failure text,
  partition_key text,
  unique_while text,
  unique_for interval,
  batch_id bigint,
  declared text[],
  unique_by text,
  max_wait interval,
  concurrency_order text
)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_args constant jsonb := coalesce(_enqueue.args, '{}');
  v_queue constant text := coalesce(queue, 'default');
  v_max_bytes bigint;
  v_in_turn boolean;
  v_wakes boolean;
  v_looks_up boolean;
  v_problem text[];
  v_id bigint;
begin
  -- The usual job, as _new_job would make it. An expression over options costs time even where it
  -- says nothing.
  if num_nonnulls(
    priority, run_at, delay, max_attempts, backoff, timeout, expires_in, unique_key, on_conflict,
    headers, concurrency_key, concurrency_limit, concurrency_duration, concurrency_weight,
    concurrency_on_conflict, depends_on, on_parent_failure, partition_key, unique_while, unique_for,
    batch_id, declared, unique_by, max_wait, concurrency_order
  ) = 0 then
    select max_args_bytes, exists (select from pgq.queues where fair or rate_per_key),
      exists (select from pgq.workers where idle),
      strict_tasks or strict_queues or get_bit(task_filter, hashtext(_enqueue.task) & 1023) = 1
    into v_max_bytes, v_in_turn, v_wakes, v_looks_up
    from pgq.settings;
    if v_looks_up then
      v_looks_up := (select strict_tasks or strict_queues from pgq.settings)
        or exists (select from pgq.tasks where name = _enqueue.task and options <> '{}');
    end if;
    if v_looks_up is not true then
      v_problem := pgq._task_problem(_enqueue.task, v_args, v_queue, v_max_bytes);
      if v_problem is not null then
        perform pgq._raise_invalid_job(v_problem);
      end if;
      insert into pgq.jobs (queue, task, priority, max_attempts, run_at, created_at, args)
      values (v_queue, _enqueue.task, 0, 5, v_now, v_now, v_args)
      returning id into v_id;
      insert into pgq.ready (queue, priority, job_id, task, ready_at, partition_key)
      values (
        v_queue, 0, v_id, _enqueue.task, v_now,
        case when v_in_turn then pgq._tenant_key(v_queue) end
      );
      if v_wakes then
        perform pgq._wake_workers(array[v_queue]);
      end if;
      return v_id;
    end if;
  end if;

  return pgq._enqueue_job(row(
    null, null, _enqueue.task, v_args, _enqueue.queue, _enqueue.priority, _enqueue.run_at,
    _enqueue.delay, _enqueue.max_attempts, _enqueue.backoff, _enqueue.timeout, _enqueue.expires_in,
    _enqueue.unique_key, _enqueue.on_conflict, pgq._parse_json(_enqueue.headers, 'headers'),
    _enqueue.concurrency_key, _enqueue.concurrency_limit, _enqueue.concurrency_duration,
    _enqueue.concurrency_weight, _enqueue.concurrency_on_conflict, _enqueue.depends_on,
    _enqueue.on_parent_failure, _enqueue.partition_key, _enqueue.unique_while, _enqueue.unique_for,
    _enqueue.batch_id, _enqueue.declared, _enqueue.unique_by, _enqueue.max_wait,
    _enqueue.concurrency_order
  )::pgq.job_options);
end
$$;

comment on function pgq._enqueue is
  'What enqueue does once its args are jsonb.';
