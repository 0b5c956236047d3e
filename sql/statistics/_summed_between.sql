/*
 * Return what was counted in a window, summed by step; if step is null, by queue and task. Only
 * claims have times; the sums of those that have none are null.
 */
create or replace function pgq._summed_between(
  only_queue text,
  only_task text,
  since timestamptz,
  until timestamptz,
  step interval
)
  returns table (
    at timestamptz, queue text, task text, succeeded bigint, failed bigint, cancelled bigint,
    expired bigint, retried bigint, snoozed bigint, released bigint, lost bigint,
    wait_us numeric, run_us numeric, waits numeric, runs numeric
  )
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_custom_plan
  set jit = off
  set enable_sort = off
as $$
#variable_conflict use_column
begin
  return query
  select case when step is not null then date_bin(step, one.began_at, since) end,
    case when step is null then one.queue end, case when step is null then one.task end,
    coalesce(sum(jobs) filter (where outcome = 'succeeded'), 0)::bigint,
    coalesce(sum(jobs) filter (where outcome = 'failed'), 0)::bigint,
    coalesce(sum(jobs) filter (where outcome = 'cancelled'), 0)::bigint,
    coalesce(sum(jobs) filter (where outcome = 'expired'), 0)::bigint,
    coalesce(sum(jobs) filter (where outcome = 'retried'), 0)::bigint,
    coalesce(sum(jobs) filter (where outcome = 'snoozed'), 0)::bigint,
    coalesce(sum(jobs) filter (where outcome = 'released'), 0)::bigint,
    coalesce(sum(jobs) filter (where outcome = 'lost'), 0)::bigint,
    sum(one.wait_us), sum(one.run_us), sum(one.waits), sum(one.runs)
  from pgq._counted_between(only_queue, only_task, since, until) as one
  group by 1, 2, 3;
end
$$;

comment on function pgq._summed_between is
  'Return what was counted in a window, summed by step, or by queue and task.';
