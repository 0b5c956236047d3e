/*
 * Notify the clients that wait for the end of these jobs.
 */
create or replace function pgq._notify_awaiting(ids bigint[])
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_told bigint[];
begin
  with told as (
    delete from pgq.awaited
    where ctid = any(array(
      select ctid
      from pgq.awaited
      where job_id = any(ids)
      for update skip locked
    ))
    returning job_id
  )
  select array_agg(distinct job_id order by job_id) into v_told from told;

  perform pg_notify('pgq_ended', told::text)
  from unnest(v_told) as told
  where (select notify from pgq.settings);
end
$$;

comment on function pgq._notify_awaiting is 'Notify clients that wait for the end of these jobs.';
