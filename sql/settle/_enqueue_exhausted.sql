/*
 * Enqueue a job for each of these jobs, which are about to end as failed, whose task names another
 * one by on_exhausted. It gets {"job": what has failed} and the defaults of its task, but no key.
 *
 * Nothing here can fail, because the settle of other jobs would fail with it: what a task may have
 * is checked when it is set, and no key can be taken. A job that was made here makes no other one,
 * so two tasks that name each other do not go on for ever.
 */
create or replace function pgq._enqueue_exhausted(ids bigint[], now_at timestamptz)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_ids bigint[];
begin
  with stored as (
    insert into pgq.jobs
    select nextval('pgq.jobs_id_seq'), made.*
    from pgq.jobs as job
    cross join lateral (
      select known.options ->> 'on_exhausted' as task
      from pgq.tasks as known
      where known.name = job.task
        and known.options ? 'on_exhausted'
      offset 0
    ) as named
    left join lateral (
      select known.options from pgq.tasks as known where known.name = named.task offset 0
    ) as follower on true
    cross join lateral (
      select pgq._exhausted_job(job, named.task, follower.options) offset 0
    ) as exhausted (options)
    cross join lateral pgq._new_job(
      jsonb_populate_record(null::pgq.job_options, exhausted.options),
      pgq._parse_backoff(exhausted.options ->> 'backoff'), now_at
    ) as made
    where job.id = any(ids)
      and not coalesce(job.headers ? 'exhausted_from', false)
    returning id
  )
  select array_agg(id) into v_ids from stored;
  if v_ids is not null then
    perform pgq._place_new_jobs(v_ids, now_at);
  end if;
end
$$;

comment on function pgq._enqueue_exhausted is
  'Enqueue the jobs that tasks name by on_exhausted, for jobs that are about to end as failed.';
