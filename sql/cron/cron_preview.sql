/*
 * The next times at which a cron expression is due, at most 1000; fewer when it ends sooner.
 */
create or replace function pgq.cron_preview(
  expression text,
  times bigint default null,
  after timestamptz default null,
  timezone text default null
)
  returns setof timestamptz
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_times constant bigint := coalesce(times, 5);
  v_cron constant bigint[] := pgq._parse_cron(expression collate "default");
  v_timezone constant text := pgq._read_time_zone(timezone collate "default");
  v_next timestamptz := coalesce(after, pgq._now());
begin
  if v_times not between 1 and 1000 then
    raise exception 'times is %', v_times
      using errcode = 'JQ002',
            hint = 'Pass 1 to 1000.';
  end if;
  for v_number in 1 .. v_times loop
    v_next := pgq._cron_after(v_cron, expression collate "default", v_next, v_timezone);
    exit when v_next is null;
    return next v_next;
    exit when v_next >= '9950-01-01 00:00+00';  -- _cron_after goes no further
  end loop;
end
$$;

comment on function pgq.cron_preview is 'The next times at which a cron expression is due.';
