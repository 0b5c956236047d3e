/*
 * The jobs of an enqueue_many call that have a unique_key, as the rows to be stored.
 *
 * Plain SQL without settings, so that it is inlined into the statements that read it.
 */
create or replace function pgq._keyed_job_rows(jobs jsonb, backoffs jsonb, now_at timestamptz)
  returns table (
    place bigint,
    unique_key text,
    on_conflict text,
    unique_while text,
    unique_for interval,
    stored pgq.jobs
  )
  language sql
  stable
as $$
  select job.place, job.unique_key, job.on_conflict, job.unique_while,
    job.unique_for, stored
  from pgq._job_rows(jobs) as job
  cross join lateral pgq._new_job(
    job.task, job.args, job.queue, job.priority, job.run_at, job.delay, job.max_attempts,
    backoffs -> job.backoff, job.timeout, job.expires_in, job.unique_key, job.headers, now_at,
    pgq._concurrency_json(
      job.concurrency_key, job.concurrency_limit, job.concurrency_duration,
      job.concurrency_weight, job.concurrency_on_conflict
    ),
    job.depends_on, job.on_parent_failure, job.partition_key, job.batch_id
  ) as stored
  where job.unique_key is not null
$$;

comment on function pgq._keyed_job_rows is
  'The jobs of an enqueue_many call that have a unique_key.';
