/*
 * Move those of these jobs that have no parent left into their next lane. The caller has locked
 * their rows in blocked.
 */
create or replace function pgq._unblock_children(children bigint[], now_at timestamptz)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_free bigint[];
begin
  with gone as (
    delete from pgq.blocked as lane
    where job_id = any(children)
      and (select true from pgq.dependencies where child_id = lane.job_id limit 1) is null
    returning job_id
  )
  select array_agg(job_id) into v_free from gone;
  if v_free is not null then
    perform pgq._place_in_lane(v_free, now_at);
  end if;
end
$$;

comment on function pgq._unblock_children is
  'Move jobs that have no parent left into their next lane.';
