/*
 * The job to enqueue when another one ends as failed, as enqueue_many() takes it. defaults: those
 * of its task; it has no key, because its args are not those that the templates are made for.
 */
create or replace function pgq._exhausted_job(failed pgq.jobs, task text, defaults jsonb)
  returns jsonb
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_said constant jsonb := jsonb_build_object(
    'id', failed.id,
    'task', failed.task,
    'queue', failed.queue,
    'attempt', failed.attempt + 1,
    'created_at', failed.created_at,
    'args', failed.args,
    'headers', failed.headers,
    'error', failed.errors -> -1
  );
begin
  return coalesce(defaults, '{}') - array[
    'on_exhausted', 'unique_key', 'unique_while', 'unique_for', 'unique_by', 'on_conflict',
    'concurrency_key', 'concurrency_limit', 'concurrency_duration', 'concurrency_weight',
    'concurrency_on_conflict', 'concurrency_order', 'partition_key'
  ] || jsonb_build_object(
    'task', task,
    'args', jsonb_build_object('job', case
      when pgq._json_problem(jsonb_build_object('job', v_said)) is null then v_said
      else v_said - array['args', 'headers']  -- two levels deeper than a client can read
    end),
    'headers', coalesce(
      (
        select jsonb_object_agg(key, value)
        from jsonb_each(failed.headers)
        where key in ('traceparent', 'tracestate')
      ),
      '{}'
    ) || jsonb_build_object('exhausted_from', failed.id)
  );
end
$$;

comment on function pgq._exhausted_job is
  'The job to enqueue when another one ends as failed, as enqueue_many() takes it.';
