/*
 * The given time zone, UTC for null, or an error. Only UTC and zones by place are allowed. Other
 * names that Postgres accepts ignore summer time silently (for it CET is an abbreviation) or count
 * the other way round (UTC+2 is west of Greenwich).
 */
create or replace function pgq._read_time_zone(timezone text)
  returns text
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if timezone is null or timezone = 'UTC' then
    return 'UTC';
  end if;
  begin
    if timezone ~* '^([a-z]+/[a-z_/-]+|utc|gmt|etc/gmt[+-]?[0-9]{1,2})$'
      and timestamp 'epoch' at time zone timezone is not null
    then
      return timezone;
    end if;
    raise data_exception;
  exception
    when data_exception then
      raise exception 'timezone "%" is not known', pgq._shorten(timezone)
        using errcode = 'JQ002',
              hint = 'Pass UTC, or a name from pg_timezone_names with a slash: Europe/Berlin.';
  end;
end
$$;

comment on function pgq._read_time_zone is
  'The given time zone, UTC for null, or an error.';
