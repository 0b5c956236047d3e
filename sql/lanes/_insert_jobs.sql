/*
 * Store the jobs of an enqueue_many call that have no unique_key, in one statement; return the ids
 * by place in the call, null for the others.
 *
 * Nothing is sorted: rows come, and are kept, in the order of the call.
 */
create or replace function pgq._insert_jobs(jobs jsonb, now_at timestamptz)
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_in_turn constant boolean := (select true from pgq.queues where fair or rate_per_key limit 1);
  v_backoffs constant jsonb := pgq._parse_backoffs(jobs);
  v_ids bigint[];
  v_others bigint[];
begin
  with numbered as materialized (
    select stored.*,
      case when job.unique_key is null then coalesce(new_id, nextval('pgq.jobs_id_seq'))
      end as job_id,
      job.unique_key is null and stored.depends_on is null and stored.concurrency is null as is_free
    from pgq._job_rows(jobs) as job
    cross join lateral pgq._new_job(
      job.task, job.args, job.queue, job.priority, job.run_at, job.delay, job.max_attempts,
      v_backoffs -> job.backoff, job.timeout, job.expires_in, job.unique_key, job.headers, now_at,
      pgq._concurrency_json(
        job.concurrency_key, job.concurrency_limit, job.concurrency_duration,
        job.concurrency_weight, job.concurrency_on_conflict
      ),
      job.depends_on, job.on_parent_failure, job.partition_key, job.batch_id
    ) as stored
  ),
  stored as (
    insert into pgq.jobs (
      id, queue, task, priority, max_attempts, run_at, created_at, expires_at, timeout,
      concurrency, depends_on, on_parent_failure, batch_id, partition_key, args, headers, backoff
    )
    select job_id, queue, task, priority, max_attempts, run_at, created_at, expires_at, timeout,
      concurrency, depends_on, on_parent_failure, batch_id, partition_key, args, headers, backoff
    from numbered
    where job_id is not null
  ),
  made_ready as (
    insert into pgq.ready (queue, priority, job_id, task, ready_at, expires_at, partition_key)
    select queue, priority, job_id, task, now_at, expires_at,
      case
        when partition_key is null and v_in_turn then pgq._tenant_key(queue) else partition_key
      end
    from numbered
    where is_free
      and run_at <= now_at
  ),
  put_off as (
    insert into pgq.scheduled (job_id, run_at, priority, queue)
    select job_id, run_at, priority, queue
    from numbered
    where is_free
      and run_at > now_at
  )
  select coalesce(array_agg(job_id), '{}'), array_agg(job_id) filter (where not is_free)
  into v_ids, v_others
  from numbered;

  perform pgq._notify_ready(v_ids);
  if v_others is not null then
    perform pgq._place_new_jobs(array_remove(v_others, null), now_at);
  end if;
  return v_ids;
end
$$;

comment on function pgq._insert_jobs is
  'Store the jobs of an enqueue_many call that have no unique_key, in one statement.';
