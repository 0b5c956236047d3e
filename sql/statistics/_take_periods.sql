/*
 * Delete the oldest periods of a unit that began before a time, up to most of them; return them.
 */
create or replace function pgq._take_periods(unit text, before timestamptz, most bigint)
  returns pgq.stat_periods[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
as $$
declare
  v_taken pgq.stat_periods[];
begin
  with gone as (
    delete from pgq.stat_periods
    where ctid = any(array(
      select old.ctid from pgq.stat_periods as old
      where old.unit = _take_periods.unit and old.began_at < _take_periods.before
      order by old.began_at limit most
    ))
    returning *
  )
  select coalesce(array_agg(gone::pgq.stat_periods), '{}') into v_taken from gone;
  return v_taken;
end
$$;

comment on function pgq._take_periods is 'Delete the oldest periods of a unit and return them.';
