/*
 * Whether a job that is in no waiting lane still owns a unique_key and cannot be changed: it runs,
 * or it has ended and its window is open. If not, it no longer has the key, or it is just moving
 * between lanes; then the caller looks again.
 *
 * A job that is in no lane by a single snapshot is not moving. That should never happen, and
 * verify() reports it; this function stops the caller from looking for ever.
 */
create or replace function pgq._still_owns_key(
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
  v_stays boolean;
begin
  select true, job.unique_key,
    (select true from pgq.running as claim where claim.job_id = job.id)
    or not exists (
      select from pgq.scheduled as lane where lane.job_id = job.id
      union all
      select from pgq.blocked as lane where lane.job_id = job.id
      union all
      select from pgq.ready as lane where lane.job_id = job.id
    )
  into v_is_live, v_key_of_job, v_stays
  from pgq.jobs as job
  where job.id = _still_owns_key.job_id;

  if v_stays and v_key_of_job = _still_owns_key.unique_key then
    return true;
  end if;
  return (v_stays or v_is_live is null)
    and pgq._key_window_owner(_still_owns_key.unique_key, now_at)
      is not distinct from _still_owns_key.job_id;
end
$$;

comment on function pgq._still_owns_key is
  'Whether a job in no waiting lane owns a unique_key and cannot be changed.';
