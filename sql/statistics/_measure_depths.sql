/*
 * Count the jobs that wait and run in each queue now. Up to 500 queues have rows of their own:
 * first those in use, then those that are only configured. The rest stand together as (other).
 *
 * If the ready lane is too large to read, queues that may have few jobs are counted in its index,
 * the shortest first: each up to 10,001 jobs, and together up to 200,000.
 */
create or replace function pgq._measure_depths(now_at timestamptz)
  returns table (
    queue text, ready bigint, scheduled bigint, blocked bigint, running bigint, failed bigint,
    lag interval, oldest_failed_at timestamptz, estimated text[]
  )
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  return query
  with found as materialized (
    select lane, queue, jobs, ranges, is_estimated, null::timestamptz as oldest_at
    from pgq._lane_counts()
    union all
    select 'failed', queue, jobs, 1, is_more, oldest_at from pgq._failed_counts()
  ),
  large as materialized (
    select distinct lane from found where is_estimated and lane <> 'failed'
  ),
  depths as (
    select known.name, coalesce(sum(jobs) filter (where lane = 'ready'), 0) as ready,
      coalesce(sum(ranges) filter (where lane = 'ready'), 0) as ranges,
      coalesce(sum(jobs) filter (where lane = 'scheduled'), 0) as scheduled,
      coalesce(sum(jobs) filter (where lane = 'blocked'), 0) as blocked,
      coalesce(sum(jobs) filter (where lane = 'running'), 0) as running,
      coalesce(sum(jobs) filter (where lane = 'failed'), 0) as failed, min(oldest_at) as oldest_at,
      coalesce(bool_or(is_estimated) filter (where lane = 'failed'), false) as has_more
    from pgq._known_queues(array(select distinct queue from found)) as known
    left join found on found.queue = known.queue
    group by known.name
  ),
  counted as materialized (
    select depths.*,
      case
        when exists (select from large where lane = 'ready')
          and name <> '(other)'
          and depths.ready * (1 - 3 / sqrt(greatest(ranges, 1))) <= 10000
          and sum(least(depths.ready, 10001)) over (order by depths.ready, name) <= 200000
        then pgq._count_ready(name, 10001)
      end as exact
    from depths
  )
  select name, final.ready, counted.scheduled::bigint, counted.blocked::bigint,
    counted.running::bigint, counted.failed::bigint,
    case when final.ready > 0 then pgq._lag(name, now_at) end, oldest_at,
    array(
      select lane from large where lane <> 'ready' or coalesce(exact > 10000, true)
      union all
      select 'failed' where has_more
      order by 1
    )
  from counted
  cross join lateral (
    select case when exact <= 10000 then exact else greatest(exact, counted.ready::bigint) end
  ) as final (ready)
  order by name;
end
$$;

comment on function pgq._measure_depths is 'Count the jobs that wait and run in each queue now.';
