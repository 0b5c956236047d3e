/*
 * The first day (UTC) that prune(older_than) leaves; raises if older_than makes no sense.
 */
create or replace function pgq._prune_before(older_than interval)
  returns date
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_keep constant interval := coalesce(older_than, pgq._longest_retention());
begin
  if not isfinite(v_keep) or v_keep not between interval '0' and interval '100 years' then
    raise exception 'older_than is negative, infinite or over a hundred years'
      using errcode = 'JQ002',
            hint = 'Pass an interval such as 14 days.';
  end if;
  return (pgq._now() at time zone 'UTC' - v_keep)::date;
end
$$;

comment on function pgq._prune_before is 'The first day (UTC) that prune(older_than) leaves.';
