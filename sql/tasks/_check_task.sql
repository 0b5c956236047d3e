/*
 * Raise JQ002 unless a task may have these options, by the rules of enqueue().
 */
create or replace function pgq._check_task(task text, options jsonb)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_job pgq.job_options;
  v_key text;
  v_problem text[];
  v_hint text;
begin
  foreach v_key in array array['unique_key', 'concurrency_key', 'partition_key'] loop
    if options ->> v_key <> '' and not exists (select from pgq._template_parts(options ->> v_key))
    then
      perform pgq._raise_invalid_job(array[
        format('%s is no template: %s', v_key, pgq._shorten(options ->> v_key)),
        'Write names of arguments in braces, such as account:{account_id}; two braces stand for '
          'one.'
      ]);
    end if;
  end loop;
  if options ? 'on_exhausted' and not (
    jsonb_typeof(options -> 'on_exhausted') = 'string'
    and length(options ->> 'on_exhausted') between 1 and 256
  ) then
    perform pgq._raise_invalid_job(array[
      format('on_exhausted names no task: %s', pgq._shorten(options ->> 'on_exhausted')),
      'Name the task of the job to enqueue, in 1 to 256 characters.'
    ]);
  end if;
  v_job := jsonb_populate_record(
    null::pgq.job_options,
    case when options ? 'unique_by' then '{}' else '{"unique_key": "k"}' end::jsonb
      || '{"concurrency_key": "k"}' || options
  );
  v_job.task := _check_task.task;
  v_problem := pgq._job_problem(v_job, null, null);
  if v_problem is not null then
    perform pgq._raise_invalid_job(v_problem);
  end if;
  perform pgq._parse_backoff(v_job.backoff);
exception
  when data_exception or sqlstate 'JQ001' then
    get stacked diagnostics v_hint = pg_exception_hint;
    raise exception 'task %: %', pgq._shorten(_check_task.task), pgq._shorten(sqlerrm, 300)
      using errcode = 'JQ002',
            hint = coalesce(
              nullif(v_hint, ''),
              'Numbers are integers; times and intervals are text such as "10 minutes".'
            );
end
$$;

comment on function pgq._check_task is 'Raise unless a task may have these options.';
