/*
 * Whether a job that was found in no waiting lane is the owner of a unique_key and cannot be
 * changed: it runs, or it has ended within its window. Otherwise it has let go of the key, or is
 * just moving, and whoever asks looks again.
 */
create or replace function pgq._still_owns(
  job_id bigint,
  unique_key text,
  now_at timestamptz
)
  returns boolean
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_key_of_job text;
  v_is_live boolean;
  v_runs constant boolean := exists (
    select from pgq.running as claim where claim.job_id = _still_owns.job_id
  );
begin
  select true, job.unique_key
  into v_is_live, v_key_of_job
  from pgq.jobs as job
  where job.id = _still_owns.job_id;

  if v_runs and v_key_of_job = _still_owns.unique_key then
    return true;
  end if;
  return (v_runs or v_is_live is null)
    and pgq._window_job(_still_owns.unique_key, now_at) is not distinct from _still_owns.job_id;
end
$$;

comment on function pgq._still_owns is
  'Whether a job that waits no more is the owner of a unique_key and cannot be changed.';
