/*
 * Delays by job id, so that one statement can update many jobs. A delay that is null, negative,
 * infinite or over a hundred years is left out: no settle fails because of one job's delay.
 */
create or replace function pgq._delays_by_job(ids bigint[], delays interval[])
  returns jsonb
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(jsonb_object_agg(asked.job_id, asked.delay), '{}')
    from unnest(ids, delays) as asked (job_id, delay)
    where asked.job_id is not null
      and isfinite(asked.delay)
      and asked.delay between interval '0' and interval '100 years'
  );
end
$$;

comment on function pgq._delays_by_job is
  'Delays by job id, so that one statement can update many jobs.';
