create or replace function pgq._forget_results(day date, ids bigint[])
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_custom_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_from constant timestamptz := day::timestamp at time zone 'UTC';
  v_to constant timestamptz := (day + 1)::timestamp at time zone 'UTC';
  v_mine constant bigint[] := array(
    select past.id
    from pgq.job_history as past
    where past.finished_at >= v_from and past.finished_at < v_to
      and past.id = any(_forget_results.ids)
    order by past.id
    for update skip locked
  );
begin
  update pgq.job_history as past
  set result = null
  where past.finished_at >= v_from and past.finished_at < v_to
    and past.id = any(v_mine);
  return v_mine;
end
$$;

comment on function pgq._forget_results is
  'Forget the results of jobs of one day, but not those that another session holds; answers which.';
