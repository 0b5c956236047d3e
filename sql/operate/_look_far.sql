/*
 * Find how far a search comes that looks at so many jobs between two ids (without them), the
 * newest or the oldest first. Return the last job that it looks at, or null if it looks at all,
 * and how many jobs these are.
 *
 * It walks primary keys in their order, whatever the filters say, even with a plan that was made
 * while the tables were empty. If no succeeded job is wanted, it walks the index of the jobs that
 * did not succeed. It leaves out days on which no job can have ended that fits.
 */
create or replace function pgq._look_far(
  places text[],
  since_at timestamptz,
  until_at timestamptz,
  with_successes boolean,
  low bigint,
  high bigint,
  newest_first boolean,
  most bigint,
  out looked_to bigint,
  out looked_at bigint
)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
  set enable_sort = off
as $$
begin
  if newest_first and with_successes then
    select min(job.id), count(*) into looked_to, looked_at
    from (
      select row.id from pgq._job_places() as row
      where row.id > low and row.id < high and row.place = any(places)
        and row.finished_at >= since_at and row.finished_at < until_at
      order by row.id desc limit most
    ) as job;
  elsif newest_first then
    select min(job.id), count(*) into looked_to, looked_at
    from (
      select row.id from pgq._job_places() as row
      where row.id > low and row.id < high and row.place = any(places)
        and row.finished_at >= since_at and row.finished_at < until_at
        and row.state <> 'succeeded'
      order by row.id desc limit most
    ) as job;
  elsif with_successes then
    select max(job.id), count(*) into looked_to, looked_at
    from (
      select row.id from pgq._job_places() as row
      where row.id > low and row.id < high and row.place = any(places)
        and row.finished_at >= since_at and row.finished_at < until_at
      order by row.id limit most
    ) as job;
  else
    select max(job.id), count(*) into looked_to, looked_at
    from (
      select row.id from pgq._job_places() as row
      where row.id > low and row.id < high and row.place = any(places)
        and row.finished_at >= since_at and row.finished_at < until_at
        and row.state <> 'succeeded'
      order by row.id limit most
    ) as job;
  end if;
  if looked_at < most then
    looked_to := null;
  end if;
end
$$;

comment on function pgq._look_far is
  'Find how far a search comes that looks at so many jobs between two ids.';
