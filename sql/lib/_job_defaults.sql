/*
 * What _task_defaults says of one job of an enqueue_many call; an error names its place.
 */
create or replace function pgq._job_defaults(job jsonb, place bigint)
  returns jsonb
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_hint text;
begin
  return coalesce(
    pgq._task_defaults(
      job ->> 'task',
      coalesce(nullif(job -> 'args', 'null'), '{}'),
      array(select key from jsonb_each(job) where value <> 'null'),
      case
        when jsonb_typeof(job -> 'declared') = 'array'
        then array(select jsonb_array_elements_text(job -> 'declared'))
        else '{}'
      end
    ),
    '{}'
  );
exception
  when sqlstate 'JQ001' then
    get stacked diagnostics v_hint = pg_exception_hint;
    perform pgq._raise_invalid_job(
      array[sqlerrm, v_hint], format('job %s: ', place), job ->> 'task'
    );
end
$$;

comment on function pgq._job_defaults is
  'What _task_defaults says of one job of an enqueue_many call.';
