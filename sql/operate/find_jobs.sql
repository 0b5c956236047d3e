/*
 * Return the ids of up to max_jobs jobs that match every given filter, in the order of their ids,
 * for cancel(), retry(), discard() and reprioritise(). To get the next ones, pass the last id as
 * after_id.
 *
 * states: as in all_jobs; null means all of them. headers, args: JSON texts that those of the job
 * contain. error_type, fingerprint: those of the last error. finished_after, finished_before: no
 * live job fits these.
 *
 * It locks nothing. If there are fewer than max_jobs, these are all, so it may have to read every
 * job: name the states. list_jobs() reads a bounded number of jobs, and says how far it came.
 */
create or replace function pgq.find_jobs(
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
  after_id bigint default 0,
  max_jobs bigint default 1000
)
  returns setof bigint
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  v_max constant bigint := coalesce(max_jobs, 1000);
  v_wanted constant pgq.job_filters := pgq._job_filters(
    queue collate "default", task, states, unique_key, concurrency_key, partition_key, batch_id,
    worker_id, error_type, fingerprint, headers, args, created_after, created_before,
    finished_after, finished_before
  );
begin
  if v_max not between 1 and 100000 then
    raise exception 'max_jobs is %', v_max
      using errcode = 'JQ002',
            hint = 'Pass 1 to 100000, and go on with after_id.';
  end if;
  return query
  select unnest(found.ids)
  from pgq._look_for_jobs(v_wanted, coalesce(after_id, 0), null, false, v_max, null) as found;
end
$$;

comment on function pgq.find_jobs is
  'Return the ids of up to max_jobs jobs that match every given filter, in order.';
