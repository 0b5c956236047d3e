/*
 * Delete the ready jobs of a queue, and with include_scheduled those whose time has not come, for
 * good; running ones are left alone. Deletes at most max_jobs (default: all) and answers how many.
 *
 * Jobs that another session is claiming or changing are passed over.
 */
create or replace function pgq.clear_queue(
  queue text,
  include_scheduled boolean default false,
  max_jobs bigint default null
)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_ready bigint;
  v_scheduled bigint := 0;
begin
  if clear_queue.queue is null or clear_queue.max_jobs < 0 then
    raise exception 'queue is null or max_jobs is negative'
      using errcode = 'JQ002',
            hint = 'Name one queue, and pass at least 0 jobs.';
  end if;
  with taken as (
    delete from pgq.ready
    where job_id in (
      select waiting.job_id
      from pgq.ready as waiting
      where waiting.queue = clear_queue.queue
      order by waiting.priority, waiting.ready_xid, waiting.job_id
      limit max_jobs
      for update skip locked
    )
    returning job_id
  )
  delete from pgq.jobs
  using taken
  where id = taken.job_id;
  get diagnostics v_ready = row_count;

  if clear_queue.include_scheduled then
    with taken as (
      delete from pgq.scheduled
      where job_id in (
        select waiting.job_id
        from pgq.scheduled as waiting
        where waiting.queue = clear_queue.queue
        limit max_jobs - v_ready
        for update skip locked
      )
      returning job_id
    )
    delete from pgq.jobs
    using taken
    where id = taken.job_id;
    get diagnostics v_scheduled = row_count;
  end if;
  return v_ready + v_scheduled;
end
$$;

comment on function pgq.clear_queue is
  'Delete the ready jobs of a queue (and scheduled ones on request) for good; answers how many.';
