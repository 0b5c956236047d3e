/*
 * Ask for a notification when one of these jobs ends within the timeout. The channel is pgq_ended,
 * and the payload is the job's id. Answers how many of them are live, as far as this call sees.
 *
 * The notification is only a hint: a job that is ending while this commits may end without one. So
 * listen, call this in its own transaction, then look at results() from time to time.
 */
create or replace function pgq.await_jobs(ids bigint[], timeout interval default null)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_awaited bigint;
begin
  perform pgq._check_count(cardinality(await_jobs.ids), 'ids');
  if not isfinite(await_jobs.timeout)
    or not await_jobs.timeout between interval '0' and interval '1 day'
  then
    raise exception 'timeout is negative, infinite or over a day'
      using errcode = 'JQ002',
            hint = 'Pass an interval such as 1 minute, and call again when it is over.';
  end if;
  insert into pgq.awaited (job_id, until_at)
  select distinct asked, pgq._add_interval(
    pgq._now(), coalesce(await_jobs.timeout, interval '10 minutes')
  )
  from unnest(await_jobs.ids) as asked
  where (select true from pgq.jobs as job where job.id = asked);
  get diagnostics v_awaited = row_count;
  return v_awaited;
end
$$;

comment on function pgq.await_jobs is 'Ask for a notification when one of these jobs ends.';
