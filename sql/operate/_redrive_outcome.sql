/*
 * Say why redrive() did nothing with a job. failed: the jobs that are in the history as failed;
 * letters: the dead letters of these.
 */
create or replace function pgq._redrive_outcome(
  job_id bigint,
  failed bigint[],
  letters bigint[]
)
  returns text
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_headers jsonb;
begin
  select coalesce(job.headers, '{}')
  into v_headers
  from pgq.jobs as job
  where job.id = _redrive_outcome.job_id;
  return case
    when v_headers is null
    then coalesce(
      (
        select 'finished' from pgq.job_history as past
        where past.id = _redrive_outcome.job_id
        limit 1
      ),
      'not_found'
    )
    when pgq._linked_job(v_headers, 'exhausted_from') is null then 'no_letter'
    when (
      select true from pgq.running as claim where claim.job_id = _redrive_outcome.job_id
    ) then 'running'
    when pgq._linked_job(v_headers, 'exhausted_from') <> all(failed) then 'not_failed'
    when _redrive_outcome.job_id <> all(letters) then 'duplicate'
    else 'busy'
  end;
end
$$;

comment on function pgq._redrive_outcome is 'Say why redrive() did nothing with a job.';
