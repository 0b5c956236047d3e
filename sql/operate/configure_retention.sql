/*
 * Say how long finished jobs are kept: of a task, of a queue, or of all. Null leaves an age as it
 * is; reset takes ages back, by their names or "all". A task's age goes before that of a queue, and
 * this before that of all. Where nothing is set here, the setting keep_history_for counts; results
 * are kept as long as their jobs. cancelled is also for jobs that expired.
 *
 * If succeeded is zero, a job that succeeds leaves no row at all: for result(), list_jobs() and all
 * others it is then unknown, as if it had been discarded, and only the statistics have it. But it
 * has a row for a day if it belongs to a batch, if a job depends on it, or if somebody waits for it
 * by await_jobs() at that time. What has a row already keeps it for as long as one day.
 *
 * Ages are of whole days (UTC), like keep_history_for. What must go later than the rest of its day
 * stays, and what must go sooner is deleted, by maintain() and a bounded number at a time.
 */
create or replace function pgq.configure_retention(
  queue text default null,
  task text default null,
  succeeded interval default null,
  failed interval default null,
  cancelled interval default null,
  results interval default null,
  schedule_history interval default null,
  reset text[] default null
)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_problem constant text := pgq._retention_problem(
    configure_retention.queue collate "default", configure_retention.task collate "default",
    array[succeeded, failed, cancelled, results, schedule_history], schedule_history is not null,
    configure_retention.reset collate "default"
  );
  v_given constant jsonb := jsonb_strip_nulls(jsonb_build_object(
    'succeeded', case when succeeded = interval '0' then 'none' else
      pgq._format_interval(succeeded) end, 'failed', pgq._format_interval(failed),
    'cancelled', pgq._format_interval(cancelled), 'results', pgq._format_interval(results),
    'schedule_history', pgq._format_interval(schedule_history),
    'reset', to_jsonb(configure_retention.reset[1:100])
  ));
begin
  if v_problem is not null then
    raise exception '%', v_problem
      using errcode = 'JQ002',
            hint = 'Ages are whole days, such as 14 days; succeeded may be 0, to keep none. '
              'Name a queue, a task or neither.';
  end if;
  if v_given = '{}' then
    return;
  end if;
  perform pgq._set_retention(
    coalesce(configure_retention.queue collate "default", ''),
    coalesce(configure_retention.task collate "default", ''),
    succeeded, failed, cancelled, results, schedule_history,
    coalesce(configure_retention.reset collate "default", '{}')
  );
  perform pgq._audit_call(
    'configure_retention', coalesce(configure_retention.queue, configure_retention.task), v_given
  );
end
$$;

comment on function pgq.configure_retention is
  'Say how long finished jobs are kept, of all, a queue or a task; null leaves an age as it is.';
