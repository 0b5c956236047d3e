/*
 * Return how deep a queue was at each sampled time; if queue is null, all queues together.
 */
create or replace function pgq._depths_between(
  queue text,
  since timestamptz,
  until timestamptz
)
  returns table (
    at timestamptz, ready bigint, scheduled bigint, blocked bigint, running bigint, lag interval,
    estimated boolean
  )
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
begin
  return query
  select at, sum(ready)::bigint, sum(scheduled)::bigint, sum(blocked)::bigint,
    sum(running)::bigint, max(lag), bool_or(estimated)
  from (
    select at, queue, ready, scheduled, blocked, running, lag, estimated <> '{}' as estimated
    from pgq.stat_depths
    union all
    select hour, queue, ready, scheduled, blocked, running, lag, estimated
    from pgq.stat_depth_hours
  ) as sampled
  where at >= since
    and at <= until
    and (_depths_between.queue is null or queue = _depths_between.queue)
  group by at;
end
$$;

comment on function pgq._depths_between is
  'Return how deep a queue was at each sampled time, or all queues together.';
