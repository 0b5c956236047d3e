/*
 * Count the jobs that fit every given filter, up to max_jobs, among the newest max_looked_at jobs.
 * The filters are those of find_jobs(). exact says that these are all; otherwise there may be
 * more.
 */
create or replace function pgq.estimate_jobs(
  queue text default null,
  task text default null,
  states text[] default null,
  unique_key text default null,
  concurrency_key text default null,
  partition_key text default null,
  batch_id bigint default null,
  worker_id bigint default null,
  error_type text default null,
  fingerprint text default null,
  headers text default null,
  args text default null,
  created_after timestamptz default null,
  created_before timestamptz default null,
  finished_after timestamptz default null,
  finished_before timestamptz default null,
  max_jobs bigint default 10000,
  max_looked_at bigint default 20000
)
  returns table (jobs bigint, exact boolean, looked_at bigint, looked_to bigint)
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_max constant bigint := coalesce(max_jobs, 10000);
  v_far constant bigint := coalesce(max_looked_at, 20000);
  v_wanted constant pgq.job_filters := pgq._job_filters(
    queue collate "default", task, states, unique_key, concurrency_key, partition_key, batch_id,
    worker_id, error_type, fingerprint, headers, args, created_after, created_before,
    finished_after, finished_before
  );
begin
  if v_max not between 1 and 100000 or v_far not between 1 and 1000000 then
    raise exception 'max_jobs or max_looked_at is out of range'
      using errcode = 'JQ002',
            hint = 'Pass 1 to 100000 jobs, of 1 to 1000000 that are looked at.';
  end if;
  return query
  select cardinality(found.ids)::bigint, found.looked_to is null, found.looked_at, found.looked_to
  from pgq._look_for_jobs(v_wanted, null, null, true, v_max, v_far) as found;
end
$$;

comment on function pgq.estimate_jobs is
  'Count the jobs that fit every given filter, up to max_jobs, among the newest ones.';
