/*
 * Take waiting jobs out of their lanes and return the ids of those that were there.
 *
 * It searches the lanes in the order in which promotion moves jobs (scheduled, blocked, ready; the
 * caller searches running), so it also finds a job that is promoted meanwhile. Rows are locked in
 * the order of their ids. It waits for a row that a claim is taking; after that the row is gone.
 */
create or replace function pgq._remove_from_lane(ids bigint[], wait boolean default true)
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_scheduled bigint[];
  v_blocked bigint[];
  v_ready bigint[];
begin
  if wait then
    v_scheduled := array(
      select job_id from pgq.scheduled where job_id = any(ids) order by job_id for update);
  else
    v_scheduled := array(
      select job_id from pgq.scheduled where job_id = any(ids) order by job_id
      for update skip locked);
  end if;
  delete from pgq.scheduled where job_id = any(v_scheduled);

  if wait then
    v_blocked := array(
      select job_id from pgq.blocked where job_id = any(ids) order by job_id for update);
  else
    v_blocked := array(
      select job_id from pgq.blocked where job_id = any(ids) order by job_id
      for update skip locked);
  end if;
  perform pgq._remove_from_blocked(v_blocked);

  if wait then
    v_ready := array(
      select job_id from pgq.ready where job_id = any(ids) order by job_id for update);
  else
    v_ready := array(
      select job_id from pgq.ready where job_id = any(ids) order by job_id
      for update skip locked);
  end if;
  delete from pgq.ready where job_id = any(v_ready);

  perform pgq._release_slots(v_ready);
  return v_scheduled || v_blocked || v_ready;
end
$$;

comment on function pgq._remove_from_lane is
  'Take waiting jobs out of their lanes and return the ids of those that were there.';
