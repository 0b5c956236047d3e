/*
 * Delays by job id, for a set-based update that looks them up; what is null is left out.
 */
create or replace function pgq._delays_by_job(ids bigint[], delays interval[])
  returns jsonb
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (
    select
    from unnest(delays) as delay
    where not isfinite(delay)
      or not delay between interval '0' and interval '100 years'
  ) then
    raise exception 'a delay is negative, infinite or over a hundred years'
      using errcode = 'JQ002',
            hint = 'Pass intervals of at least 0 seconds.';
  end if;
  return (
    select coalesce(jsonb_object_agg(asked.job_id, asked.delay), '{}')
    from unnest(ids, delays) as asked (job_id, delay)
    where asked.job_id is not null
      and asked.delay is not null
  );
end
$$;

comment on function pgq._delays_by_job is
  'Delays by job id, for a set-based update that looks them up.';
