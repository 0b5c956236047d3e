/*
 * Enqueue a job at every tick of a cron expression, in a time zone, or once in every interval;
 * answer the time of the first tick.
 *
 * It replaces a schedule of the same name; with the same timing the next tick stays. Without
 * starts_at, the first tick of an interval is one interval from now. With it, starts_at and every
 * interval after it are ticks, and those before now do not fire. The next tick is counted from the
 * last one, never from now. It does not replace a schedule that sync_schedules() declared.
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
  unique_for interval default null,
  declared text[] default null,
  concurrency_order text default null
)
  returns timestamptz
  language sql
as $$
  select pgq._schedule(
    schedule.name collate pg_catalog."default", schedule.task, schedule.cron, schedule.every,
    pgq._to_json(schedule.args, 'args'), schedule.queue, schedule.priority, schedule.timezone,
    schedule.catch_up, schedule.overlap, schedule.max_attempts, schedule.backoff, schedule.timeout,
    schedule.expires_in, schedule.headers, schedule.starts_at, schedule.catch_up_window,
    schedule.description, schedule.concurrency_key, schedule.concurrency_limit,
    schedule.concurrency_duration, schedule.concurrency_weight, schedule.concurrency_on_conflict,
    schedule.partition_key, schedule.unique_key, schedule.unique_while, schedule.unique_for,
    schedule.declared, schedule.concurrency_order
  )
$$;

comment on function pgq.schedule is
  'Enqueue a job at every tick of a cron expression or an interval; answers the first tick.';
