/*
 * A random place after a job among the new blocked jobs.
 */
create or replace function pgq._random_blocked_after(job_id bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_newest constant bigint := (
    select newest.job_id
    from pgq.blocked as newest
    where newest.is_new
    order by newest.job_id + 0 desc
    limit 1
  );
begin
  return _random_blocked_after.job_id + 1
    + floor(random() * (v_newest - _random_blocked_after.job_id))::bigint;
end
$$;

comment on function pgq._random_blocked_after is
  'A random place after a job among the new blocked jobs.';
