/*
 * The state of a job and its result: one row, or none for a job that is unknown, was pruned, or
 * succeeded where that is not kept. The error is that of the last failed attempt.
 */
create or replace function pgq.result(job_id bigint)
  returns table (state text, result jsonb, error jsonb, finished_at timestamptz)
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
as $$
begin
  return query
  select job.state, job.result, job.errors -> -1, job.finished_at
  from pgq.all_jobs as job
  where job.id = result.job_id
  limit 1;
end
$$;

comment on function pgq.result is
  'The state of a job and its result: one row, or none for an unknown job.';
