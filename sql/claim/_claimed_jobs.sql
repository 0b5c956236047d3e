/*
 * What a claim answers about the jobs that it took. Inlined: no settings.
 */
create or replace function pgq._claimed_jobs(ids bigint[], new_claim_id bigint)
  returns table (
    job_id bigint,
    claim_id bigint,
    queue text,
    task text,
    args jsonb,
    headers jsonb,
    attempt bigint,
    max_attempts bigint,
    timeout interval
  )
  language sql
  stable
as $$
  select job.id, new_claim_id, job.queue, job.task, job.args, job.headers, job.attempt + 1::bigint,
    job.max_attempts::bigint, job.timeout
  from pgq.jobs as job
  where job.id = any(ids)
  order by job.priority, job.id
$$;

comment on function pgq._claimed_jobs is 'What a claim answers about the jobs that it took.';
