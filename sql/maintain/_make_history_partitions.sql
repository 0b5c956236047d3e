/*
 * Make up to most history partitions that are missing: of today and the days ahead, and of days
 * whose rows lie in the default partition, since nobody had made theirs in time; answer how many.
 *
 * A day is one of UTC, whatever zone and style the session has. One that overlaps a partition that
 * somebody else made is left to that, and to the default partition. So is one with more rows there
 * than the 10,000 that are moved in one call: they are found there as anywhere, and pruned.
 */
create or replace function pgq._make_history_partitions(days_ahead integer, most bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '100ms'
as $$
declare
  v_today constant date := (pgq._now() at time zone 'UTC')::date;
  v_room bigint := 10000;
  v_day record;
  v_made bigint := 0;
begin
  perform pgq._revoke_type_usage();
  for v_day in
    with stray as materialized (
      select * from pgq._days_in_default_partition()
    )
    select day, case when stray.day is null then 0 else stray.jobs end as jobs
    from (
      select v_today + generate_series(0, days_ahead)
      union
      select day from stray
    ) as wanted (day)
    left join stray using (day)
    where to_regclass('pgq.job_history_' || to_char(day::timestamp, 'YYYYMMDD')) is null
    order by day not between v_today and v_today + days_ahead, day
  loop
    exit when v_made >= most;
    continue when (v_day.jobs <= v_room) is not true;
    if pgq._make_history_partition(v_day.day) then
      v_made := v_made + 1;
      v_room := v_room - v_day.jobs;
    end if;
  end loop;
  return v_made;
end
$$;

comment on function pgq._make_history_partitions is
  'Make the history partitions of today and the days ahead that are missing.';
