/*
 * Add the error of a failed attempt to each held job, keeping the last ten.
 *
 * Text from a driver holds no NUL, so that reporting an error cannot fail; what is long is cut.
 */
create or replace function pgq._append_errors(
  held bigint[],
  ids bigint[],
  messages text[],
  error_types text[],
  tracebacks text[],
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
      jsonb_build_object(
        'type', left(coalesce(asked.error_type, 'Error'), 200),
        'message', left(coalesce(asked.message, ''), 4000),
        'traceback', left(asked.traceback, 20000),
        'failed_at', now_at
      )
    )
    from unnest(ids, messages, error_types, tracebacks)
      as asked (job_id, message, error_type, traceback)
    where asked.job_id is not null
  );
begin
  update pgq.jobs as job
  set errors = jsonb_path_query_array(
    coalesce(job.errors, '[]') || jsonb_build_array(
      (v_errors -> job.id::text) || jsonb_build_object(
        'attempt', job.attempt + 1,
        'worker_id', (select claim.worker_id from pgq.running as claim where claim.job_id = job.id)
      )
    ),
    '$[last - 9 to last]'
  )
  where job.id = any(held);
end
$$;

comment on function pgq._append_errors is
  'Add the error of a failed attempt to each held job, keeping the last ten.';
