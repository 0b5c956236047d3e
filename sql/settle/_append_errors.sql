/*
 * Add the error of a failed attempt to each job; keep the last ten. The error has the attempt's
 * times and its worker's name, because the worker may have left long ago when somebody reads it.
 * The caller has locked the claims.
 */
create or replace function pgq._append_errors(
  held bigint[],
  ids bigint[],
  messages text[],
  error_types text[],
  tracebacks text[],
  fingerprints text[],
  now_at timestamptz
)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_errors constant jsonb := (
    select jsonb_object_agg(
      asked.job_id,
      pgq._error_entry(
        asked.error_type, asked.message, asked.traceback,
        coalesce(
          nullif(asked.fingerprint, ''),
          pgq._error_fingerprint(asked.error_type, asked.message, asked.traceback)
        ),
        now_at
      )
    )
    from unnest(
      ids, messages collate "default", error_types collate "default",
      tracebacks collate "default", fingerprints collate "default"
    ) as asked (job_id, message, error_type, traceback, fingerprint)
    where asked.job_id in (select unnest(held))
  );
begin
  with failed as (
    update pgq.jobs as job
    set errors = pgq._with_error(job.errors, (v_errors -> job.id::text) || (
      select jsonb_build_object(
        'attempt', job.attempt + 1,
        'ready_at', claim.ready_at,
        'started_at', claim.claimed_at,
        'worker_id', claim.worker_id,
        'worker', pgq._cut(pgq._worker_name(claim.worker_id), 200)
      )
      from pgq.running as claim
      where claim.job_id = job.id
    ))
    where job.id = any(held)
    returning job.id, job.queue, job.task
  )
  insert into pgq.stat_deltas (
    minute, jobs, wait_us, run_us, queue, task, outcome, waits, runs, error
  )
  select date_trunc('minute', now_at, 'UTC'), count(*), 0, 0, failed.queue, failed.task, 'error',
    '', '', jsonb_build_object(
      'fingerprint', said.entry ->> 'fingerprint',
      'type', (array_agg(said.entry ->> 'type'))[1],
      'sample', (array_agg(pgq._cut(said.entry ->> 'message', 400)))[1],
      'job_id', max(failed.id),
      'at', now_at
    )
  from failed
  cross join lateral (select v_errors -> failed.id::text offset 0) as said (entry)
  where (select setting.statistics from pgq.settings as setting) = 'on'
  group by failed.queue, failed.task, said.entry ->> 'fingerprint';
end
$$;

comment on function pgq._append_errors is
  'Add the error of a failed attempt to each job; keep the last ten.';
