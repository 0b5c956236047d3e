/*
 * Enqueue a copy of a live or finished job, whatever its state, and return the new id.
 *
 * The copy has the task, args, headers, queue, priority, max_attempts, backoff, timeout, partition
 * key and semaphore of the job. It does not have its time, expiry, parents, batch or unique_key. An
 * argument of this call wins over the copied value. Like enqueue it only inserts: it does not lock
 * the old job, and finds it even if it ends meanwhile.
 */
create or replace function pgq.enqueue_again(
  job_id bigint,
  queue text default null,
  priority bigint default null,
  run_at timestamptz default null,
  delay interval default null,
  unique_key text default null
)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_job pgq.jobs;
  v_options pgq.job_options;
  v_problem text[];
  v_id bigint;
begin
  v_job := pgq._job_to_copy(enqueue_again.job_id);
  if v_job.task is null then
    raise exception 'there is no job %', enqueue_again.job_id
      using errcode = 'JQ002',
            hint = 'It may have been discarded or pruned, or succeeded where that is not kept.';
  end if;
  v_options.task := v_job.task;
  v_options.args := v_job.args;
  v_options.headers := v_job.headers;
  v_options.queue := coalesce(enqueue_again.queue, v_job.queue);
  v_options.priority := coalesce(enqueue_again.priority, v_job.priority);
  v_options.run_at := enqueue_again.run_at;
  v_options.delay := enqueue_again.delay;
  v_options.unique_key := enqueue_again.unique_key;
  v_problem := pgq._job_problem(v_options, null, (select max_args_bytes from pgq.settings));
  if v_problem is not null then
    perform pgq._raise_invalid_job(v_problem);
  end if;
  v_job.queue := v_options.queue;
  v_job.priority := v_options.priority;
  v_job.unique_key := v_options.unique_key;
  v_job.run_at := coalesce(
    enqueue_again.run_at, pgq._add_interval(v_now, enqueue_again.delay), v_now
  );
  v_job.created_at := v_now;
  if v_job.unique_key is null then
    v_id := pgq._insert_job(v_job, v_now);
  else
    select id into v_id from pgq._upsert_keyed_job(v_job, null, null, null, null, v_now);
  end if;
  perform pgq._audit_call(
    'enqueue_again', ids => array[v_id], affected => 1, options => jsonb_build_object(
      'job_id', enqueue_again.job_id, 'queue', enqueue_again.queue,
      'priority', enqueue_again.priority
    )
  );
  return v_id;
end
$$;

comment on function pgq.enqueue_again is
  'Enqueue a copy of a live or finished job, and return the new id.';
