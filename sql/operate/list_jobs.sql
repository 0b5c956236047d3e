/*
 * Return a page of the jobs that fit every given filter, the newest or the oldest first. The
 * filters are those of find_jobs(). The page has the jobs before before_id and after after_id.
 *
 * It looks at up to max_looked_at jobs, so a page costs the same however many jobs there are. If
 * there may be more, the last row has no job: its looked_to says where it stopped, and you can go
 * on from there. Without such a row, that was all.
 *
 * A page shows the jobs as they are at one moment, each once. Ids never change, so no job comes
 * again on a later page, whatever its state is then. If a job's transaction commits after its
 * neighbours were listed, only a page that begins anew shows it.
 */
create or replace function pgq.list_jobs(
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
  before_id bigint default null,
  after_id bigint default null,
  newest_first boolean default true,
  page_size bigint default 50,
  max_looked_at bigint default 10000,
  details boolean default false
)
  returns setof pgq.listed_job
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  v_size constant bigint := coalesce(page_size, 50);
  v_far constant bigint := coalesce(max_looked_at, 10000);
  v_wanted constant pgq.job_filters := pgq._job_filters(
    queue collate "default", task, states, unique_key, concurrency_key, partition_key, batch_id,
    worker_id, error_type, fingerprint, headers, args, created_after, created_before,
    finished_after, finished_before
  );
  v_found record;
begin
  if v_size not between 1 and 1000 or v_far not between 1 and 1000000 then
    raise exception 'page_size or max_looked_at is out of range'
      using errcode = 'JQ002',
            hint = 'Pass 1 to 1000 jobs a page, of 1 to 1000000 that are looked at.';
  end if;
  select * into v_found
  from pgq._look_for_jobs(
    v_wanted, after_id, before_id, coalesce(newest_first, true), v_size, v_far
  );
  return query
  select * from pgq._list_found_jobs(v_found.ids, v_found.finished_at, coalesce(details, false));
  if v_found.looked_to is not null then
    return query
    select (jsonb_populate_record(
      null::pgq.listed_job, jsonb_build_object('looked_to', v_found.looked_to))).*;
  end if;
end
$$;

comment on function pgq.list_jobs is
  'Return a page of the jobs that fit every given filter, and how far it looked.';
