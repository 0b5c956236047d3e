/*
 * When a pause that begins now ends by itself; null: it does not. Raises for a duration that no
 * pause can have.
 */
create or replace function pgq._pause_end(now_at timestamptz, duration interval)
  returns timestamptz
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if not isfinite(duration)
    or not duration between interval '1 millisecond' and interval '100 years'
  then
    raise exception 'duration is not positive, infinite or over a hundred years'
      using errcode = 'JQ002',
            hint = 'Pass an interval such as 15 minutes, or nothing.';
  end if;
  return pgq._add_interval(now_at, duration);
end
$$;

comment on function pgq._pause_end is 'When a pause that begins now ends by itself.';
