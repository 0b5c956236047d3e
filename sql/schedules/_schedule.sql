/*
 * What schedule does once its args are jsonb: the part with the owner's rights.
 */
create or replace function pgq._schedule(
  name text,
  task text,
  cron text,
  every interval,
  args jsonb,
  queue text,
  priority bigint,
  timezone text,
  catch_up text,
  overlap text,
  max_attempts bigint,
  backoff text,
  timeout interval,
  expires_in interval,
  headers text,
  starts_at timestamptz,
  catch_up_window interval,
  description text,
  concurrency_key text,
  concurrency_limit bigint,
  concurrency_duration interval,
  concurrency_weight bigint,
  concurrency_on_conflict text,
  partition_key text,
  unique_key text,
  unique_while text,
  unique_for interval,
  declared text[],
  concurrency_order text
)
  returns timestamptz
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set intervalstyle = 'postgres'
as $$
#variable_conflict use_column
declare
  v_new constant pgq.schedules := pgq._read_schedule(
    jsonb_build_object(
      'name', _schedule.name, 'task', _schedule.task, 'cron', _schedule.cron,
      'every', _schedule.every, 'args', _schedule.args,
      'queue', _schedule.queue, 'priority', _schedule.priority, 'timezone', _schedule.timezone,
      'catch_up', _schedule.catch_up, 'overlap', _schedule.overlap,
      'max_attempts', _schedule.max_attempts, 'backoff', _schedule.backoff,
      'timeout', _schedule.timeout, 'expires_in', _schedule.expires_in,
      'headers', pgq._parse_json(_schedule.headers, 'headers'),
      'starts_at', _schedule.starts_at, 'catch_up_window', _schedule.catch_up_window,
      'description', _schedule.description, 'concurrency_key', _schedule.concurrency_key,
      'concurrency_limit', _schedule.concurrency_limit,
      'concurrency_duration', _schedule.concurrency_duration,
      'concurrency_weight', _schedule.concurrency_weight,
      'concurrency_on_conflict', _schedule.concurrency_on_conflict,
      'concurrency_order', _schedule.concurrency_order,
      'partition_key', _schedule.partition_key, 'unique_key', _schedule.unique_key,
      'unique_while', _schedule.unique_while, 'unique_for', _schedule.unique_for,
      'declared', to_jsonb(_schedule.declared)
    ),
    null
  );
  v_change text;
begin
  v_change := pgq._upsert_schedule(v_new);
  if v_change <> 'unchanged' then
    perform pgq._audit_call('schedule', v_new.name, jsonb_build_object(
      'change', v_change, 'task', v_new.job ->> 'task', 'queue', v_new.job ->> 'queue',
      'cron', v_new.cron, 'every', pgq._format_interval(v_new.every)
    ));
  end if;
  return (select next_run_at from pgq.schedules where name = v_new.name);
end
$$;

comment on function pgq._schedule is
  'What schedule does once its args are jsonb.';
