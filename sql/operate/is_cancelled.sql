/*
 * Whether a job ended as cancelled, or is running and its worker has been asked to cancel it. It is
 * for tools of operators, and for a handler that checks this before an expensive step.
 */
create or replace function pgq.is_cancelled(job_id bigint)
  returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
begin
  return exists (
      select from pgq.job_history as past
      where past.id = is_cancelled.job_id
        and past.state = 'cancelled'
    )
    or exists (
      select from pgq.jobs as job
      join pgq.cancel_requests as request on request.job_id = job.id
      where job.id = is_cancelled.job_id
    );
end
$$;

comment on function pgq.is_cancelled is
  'Whether a job ended as cancelled, or its worker has been asked to cancel it.';
