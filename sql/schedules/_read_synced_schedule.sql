/*
 * Read one schedule of sync_schedules; an error names the schedule.
 */
create or replace function pgq._read_synced_schedule(given jsonb, source text)
  returns pgq.schedules
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_name constant text := pgq._shorten(coalesce(given ->> 'name', 'without a name'));
  v_hint text;
begin
  return pgq._read_schedule(given, source);
exception
  when sqlstate 'JQ001' then
    get stacked diagnostics v_hint = pg_exception_hint;
    raise exception 'schedule %: %', v_name, sqlerrm
      using errcode = 'JQ001',
            hint = v_hint;
  when sqlstate 'JQ002' then
    get stacked diagnostics v_hint = pg_exception_hint;
    raise exception 'schedule %: %', v_name, sqlerrm
      using errcode = 'JQ002',
            hint = v_hint;
  when sqlstate 'JQ006' then
    get stacked diagnostics v_hint = pg_exception_hint;
    raise exception 'schedule %: %', v_name, sqlerrm
      using errcode = 'JQ006',
            hint = v_hint;
end
$$;

comment on function pgq._read_synced_schedule is
  'Read one schedule of sync_schedules; an error names the schedule.';
