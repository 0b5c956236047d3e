/*
 * Cancel jobs that went back to waiting although somebody had asked to cancel them, and forget
 * requests for jobs that have ended; answer how many requests that were.
 */
create or replace function pgq._apply_cancel_requests(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_idle constant bigint[] := array(
    select distinct request.job_id
    from pgq.cancel_requests as request
    where not exists (select from pgq.running as claim where claim.job_id = request.job_id)
    order by request.job_id
    limit batch_size
  );
begin
  perform pgq._cancel_jobs(v_idle, false);
  delete from pgq.cancel_requests
  where ctid = any(array(
    select request.ctid
    from pgq.cancel_requests as request
    where request.job_id = any(v_idle)
      and not exists (select from pgq.jobs as job where job.id = request.job_id)
    for update skip locked
  ));
  return cardinality(v_idle);
end
$$;

comment on function pgq._apply_cancel_requests is
  'Cancel jobs that went back to waiting although somebody had asked to cancel them.';
