/*
 * Delays by job id, for a set-based update that looks them up. What is null is left out, and so is
 * what is negative, infinite or over a hundred years: no settle fails because of one job's delay.
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
  'Delays by job id, for a set-based update that looks them up.';
