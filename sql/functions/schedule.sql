/*
 * Enqueue a job at every tick of a cron expression, by the clocks of a time zone, or at every so
 * long an interval; answer when that is first.
 *
 * A schedule of the same name is replaced; with the same timing it keeps its next tick. Without
 * starts_at, the first tick of an interval is one interval from now; with it, starts_at and every
 * interval after it are ticks, and those before now are not made up for. The next tick is counted
 * from the last one, never from now. One that sync_schedules() declared cannot be replaced.
 *
 * A tick whose unique_key is taken enqueues nothing.
 */
create or replace function pgq.schedule(
  name text,
  task text,
  cron text default null,
  every interval default null,
  args anycompatible default '{}'::text,
  queue text default null,
  priority bigint default null,
  timezone text default null,
  catch_up text default null,
  overlap text default null,
  max_attempts bigint default null,
  backoff text default null,
  timeout interval default null,
  expires_in interval default null,
  headers text default null,
  starts_at timestamptz default null,
  catch_up_window interval default null,
  description text default null,
  concurrency_key text default null,
  concurrency_limit bigint default null,
  concurrency_duration interval default null,
  concurrency_weight bigint default null,
  concurrency_on_conflict text default null,
  partition_key text default null,
  unique_key text default null,
  unique_while text default null,
  unique_for interval default null
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
      'name', schedule.name, 'task', schedule.task, 'cron', schedule.cron,
      'every', schedule.every, 'args', pgq._to_json(schedule.args, 'args'),
      'queue', schedule.queue, 'priority', schedule.priority, 'timezone', schedule.timezone,
      'catch_up', schedule.catch_up, 'overlap', schedule.overlap,
      'max_attempts', schedule.max_attempts, 'backoff', schedule.backoff,
      'timeout', schedule.timeout, 'expires_in', schedule.expires_in,
      'headers', pgq._parse_json(schedule.headers, 'headers'),
      'starts_at', schedule.starts_at, 'catch_up_window', schedule.catch_up_window,
      'description', schedule.description, 'concurrency_key', schedule.concurrency_key,
      'concurrency_limit', schedule.concurrency_limit,
      'concurrency_duration', schedule.concurrency_duration,
      'concurrency_weight', schedule.concurrency_weight,
      'concurrency_on_conflict', schedule.concurrency_on_conflict,
      'partition_key', schedule.partition_key, 'unique_key', schedule.unique_key,
      'unique_while', schedule.unique_while, 'unique_for', schedule.unique_for
    ),
    null
  );
begin
  perform pgq._put_schedule(v_new);
  return (select next_run_at from pgq.schedules where name = v_new.name);
end
$$;

comment on function pgq.schedule is
  'Enqueue a job at every tick of a cron expression or an interval; answers when that is first.';
