/*
 * Make up to most missing history partitions: of today and the days ahead, and of days whose rows
 * are in the default partition because nobody made theirs in time; answer how many.
 *
 * A day is a day of UTC, whatever zone and style the session has. It makes no partition that would
 * overlap one that somebody else made; the default partition takes those rows. It makes none if
 * there are more than the 10,000 rows that one call may move; these rows stay in the default
 * partition, where they are found and pruned like any other.
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
