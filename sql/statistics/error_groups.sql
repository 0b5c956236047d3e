/*
 * Return the errors that happened since a time (default: a day ago). The first ones have ended the
 * most attempts. It leaves out the first skip_groups of them, and then returns up to max_groups
 * rows (default 20, at most 1000).
 *
 * Errors with the same fingerprint are one group. A group that failed several tasks has a row for
 * each of them. With new_since they are those that were first seen at that time or later.
 *
 * attempts says how many attempts it has ended, counted in whole hours. failed_jobs says how many
 * jobs are failed with it now, counted up to 100. What was settled in the last seconds is not
 * counted yet.
 */
create or replace function pgq.error_groups(
  since timestamptz default null,
  queue text default null,
  of_task text default null,
  max_groups bigint default 20,
  of_fingerprint text default null,
  skip_groups bigint default 0,
  new_since timestamptz default null
)
  returns table (
    fingerprint text, task text, error_type text, pattern text, sample text, attempts bigint,
    failed_jobs bigint, first_seen timestamptz, last_seen timestamptz, last_job_id bigint
  )
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_custom_plan
  set jit = off
as $$
#variable_conflict use_column
declare
  c_most_failed constant bigint := 100;
  v_since constant timestamptz := date_trunc(
    'hour', coalesce(error_groups.since, pgq._now() - interval '24 hours'), 'UTC'
  );
  v_most constant bigint := coalesce(error_groups.max_groups, 20);
begin
  if v_most not between 1 and 1000 then
    raise exception 'max_groups is %', v_most
      using errcode = 'JQ002',
            hint = 'Pass 1 up to 1000.';
  end if;
  if error_groups.skip_groups < 0 then
    raise exception 'skip_groups is %', error_groups.skip_groups
      using errcode = 'JQ002',
            hint = 'Pass 0 or more.';
  end if;
  return query
  with busiest as materialized (
    select hourly.fingerprint, hourly.task, sum(hourly.attempts)::bigint as attempts
    from pgq.stat_error_hours as hourly
    where hourly.hour >= v_since
      and (error_groups.queue is null or hourly.queue = error_groups.queue collate "default")
      and (error_groups.of_task is null or hourly.task = error_groups.of_task collate "default")
      and (
        error_groups.of_fingerprint is null
        or hourly.fingerprint = error_groups.of_fingerprint collate "default"
      )
      and (
        error_groups.new_since is null
        or exists (
          select
          from pgq.stat_errors as new
          where new.fingerprint = hourly.fingerprint and new.task = hourly.task
            and new.first_seen >= error_groups.new_since
        )
      )
    group by hourly.fingerprint, hourly.task
    order by attempts desc, hourly.fingerprint, hourly.task
    limit v_most offset coalesce(error_groups.skip_groups, 0)
  )
  select busiest.fingerprint, busiest.task, known.error_type, known.pattern, known.sample,
    busiest.attempts, failed.jobs, known.first_seen, known.last_seen, known.last_job_id
  from busiest
  join pgq.stat_errors as known
    on known.fingerprint = busiest.fingerprint and known.task = busiest.task
  join pgq._count_failed(
    array(select fingerprint from busiest), array(select task from busiest),
    error_groups.queue collate "default", c_most_failed
  ) as failed
    on failed.fingerprint = busiest.fingerprint and failed.task = busiest.task
  order by busiest.attempts desc, busiest.fingerprint, busiest.task;
end
$$;

comment on function pgq.error_groups is
  'Return the errors that happened since a time, the most frequent first.';
