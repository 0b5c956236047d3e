/*
 * Which of some waiting jobs are in the lanes of these states. Null: all of them, without a check.
 * Their lane rows are locked, in the order of the lanes and ids, so the answer stays true.
 */
create or replace function pgq._lock_jobs_in_states(ids bigint[], states text[])
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_known constant text[] := array[
    'scheduled', 'blocked', 'ready', 'failed', 'cancelled', 'expired', 'succeeded'
  ];
  v_ids bigint[] := '{}';
begin
  if states is null then
    return ids;
  end if;
  if not states <@ v_known then
    raise exception 'states has an entry in which no job waits or ends'
      using errcode = 'JQ002',
            hint = format('Pass some of %s.', v_known);
  end if;
  if 'scheduled' = any(states) then
    v_ids := array(
      select job_id from pgq.scheduled where job_id = any(ids) order by job_id for update);
  end if;
  if 'blocked' = any(states) then
    v_ids := v_ids || array(
      select job_id from pgq.blocked where job_id = any(ids) order by job_id for update);
  end if;
  if 'ready' = any(states) then
    v_ids := v_ids || array(
      select job_id from pgq.ready where job_id = any(ids) order by job_id for update);
  end if;
  return v_ids;
end
$$;

comment on function pgq._lock_jobs_in_states is
  'Which of some waiting jobs are in the lanes of these states; locks them.';
