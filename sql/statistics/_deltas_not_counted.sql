create or replace function pgq._deltas_not_counted()
  returns table (place tid)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
as $$
#variable_conflict use_column
declare
  v_fold pgq.stat_folds;
begin
  select * into v_fold
  from pgq.stat_folds
  where server_started_at = pg_postmaster_start_time();
  return query
  select place from pgq._deltas_to_take(
    null, coalesce(v_fold.next_xid, '0'), coalesce(v_fold.late_xids, '{}')
  );
end
$$;

comment on function pgq._deltas_not_counted is 'Find the stat_deltas that are not folded yet.';
