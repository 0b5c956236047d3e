/*
 * Do the next page of a bulk operation now: up to max_jobs jobs (default and most: 1,000). Return
 * how many were tried. It is for people who wait for the operation, and for databases without
 * workers.
 *
 * Null says that nothing is due: the operation has not begun, has ended, waits for jobs that
 * others hold, or another session is doing it. Zero says that no job of the page fitted, or that
 * the page failed; bulk_status() says which.
 */
create or replace function pgq.bulk_work(operation_id bigint, max_jobs bigint default 1000)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if max_jobs not between 1 and 1000 then
    raise exception 'max_jobs is out of range'
      using errcode = 'JQ002',
            hint = 'Pass 1 up to 1000 jobs.';
  end if;
  if operation_id is null then
    return null;
  end if;
  return pgq._work_off_bulk(coalesce(max_jobs, 1000), operation_id);
end
$$;

comment on function pgq.bulk_work is
  'Do the next page of a bulk operation now; answers how many jobs were tried.';
