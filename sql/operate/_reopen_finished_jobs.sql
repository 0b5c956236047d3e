/*
 * Bring finished jobs back from the history under their ids, except succeeded ones, and return
 * them. They are in no lane yet. If another job owns a job's unique_key now, the job stays in the
 * history. A job waits again for its parents that are live, so that a flow can be retried as a
 * whole.
 */
create or replace function pgq._reopen_finished_jobs(
  ids bigint[],
  run_at timestamptz,
  states text[]
)
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_revived bigint[];
begin
  with past as materialized (
    select *
    from pgq.job_history
    where id = any(ids)
      and state <> 'succeeded'
      and (states is null or state = any(states))
    order by id
    for update
  ),
  revived as (
    insert into pgq.jobs (
      id, queue, task, priority, attempt, max_attempts, run_at, created_at, timeout, unique_key,
      concurrency, depends_on, on_parent_failure, batch_id, partition_key, args, headers, backoff,
      errors
    )
    select id, queue, task, priority, attempt, greatest(max_attempts, attempt + 1),
      _reopen_finished_jobs.run_at, created_at, timeout, unique_key, concurrency, depends_on,
      on_parent_failure, batch_id, partition_key, args, headers, backoff, errors
    from past
    order by unique_key collate "C", id
    on conflict do nothing
    returning id
  )
  select array_agg(id) into v_revived from revived;

  with past as (
    delete from pgq.job_history
    where id = any(v_revived)
    returning id, unique_while
  )
  insert into pgq.queued_keys (job_id)
  select id from past where unique_while = 'queued';

  -- A failed job that still holds its key: release_semaphore() lets a live job keep it.
  if pg_relation_size('pgq.slots'::regclass) > 0 then
    update pgq.slots set in_order = in_order where job_id = any(v_revived);
  end if;
  -- Children that did not react to the failure yet wait for the new attempt instead.
  delete from pgq.releases
  where id = any(array(
    select id
    from pgq.releases
    where parent_id = any(v_revived)
    for update skip locked
  ));
  insert into pgq.dependencies (child_id, parent_id, outlasts_failure)
  select distinct job.id, parent, coalesce(job.on_parent_failure = 'wait', false)
  from pgq.jobs as job
  cross join lateral unnest(job.depends_on) as parent
  where job.id = any(v_revived)
    and (select true from pgq.jobs as live where live.id = parent);
  return coalesce(v_revived, '{}');
end
$$;

comment on function pgq._reopen_finished_jobs is
  'Bring finished jobs back from the history under their ids, in no lane yet.';
