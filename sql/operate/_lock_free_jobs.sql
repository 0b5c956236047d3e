/*
 * Find those of some jobs that are in one of these states and that nobody holds, waiting or
 * finished. Their rows stay locked, in the lanes and in jobs, so that changing them waits for
 * nobody.
 */
create or replace function pgq._lock_free_jobs(ids bigint[], states text[])
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_past bigint[] := '{}';
  v_live bigint[] := '{}';
begin
  if states && array['succeeded', 'failed', 'cancelled', 'expired'] then
    v_past := array(
      select id from pgq.job_history where id = any(ids) and state = any(states) order by id
      for update skip locked);
  end if;
  if 'scheduled' = any(states) then
    v_live := array(
      select job_id from pgq.scheduled where job_id = any(ids) order by job_id
      for update skip locked);
  end if;
  if 'blocked' = any(states) then
    v_live := v_live || array(
      select job_id from pgq.blocked where job_id = any(ids) order by job_id
      for update skip locked);
  end if;
  if 'ready' = any(states) then
    v_live := v_live || array(
      select job_id from pgq.ready where job_id = any(ids) order by job_id
      for update skip locked);
  end if;
  return v_past || array(
    select id from pgq.jobs where id = any(v_live) order by id for update skip locked);
end
$$;

comment on function pgq._lock_free_jobs is
  'Find those of some jobs that are in one of these states, and lock them.';
