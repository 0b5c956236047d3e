/*
 * Count the jobs of each queue in each lane, and in how many ranges of pages they were found. If a
 * lane is too large, the number is an estimate: see _pages_to_count.
 *
 * It reads pages, because the planner's statistics are missing or old when a backlog appears. It
 * reads the same pages each time, so the number does not change while the lane does not.
 */
create or replace function pgq._lane_counts()
  returns table (lane text, queue text, jobs bigint, ranges bigint, is_estimated boolean)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set jit = off
as $$
#variable_conflict use_column
begin
  return query
  select counted.lane, counted.queue, sum(counted.jobs * counted.factor)::bigint, count(*),
    bool_or(counted.is_sampled)
  from (
    select 'ready', part.queue, part.jobs, pages.factor, pages.is_sampled
    from pgq._pages_to_count('pgq.ready') as pages
    cross join lateral (
      select queue, count(*) as jobs
      from pgq.ready
      where ctid >= pages.first_place and ctid < pages.before_place
      group by queue
    ) as part
    union all
    select 'scheduled', part.queue, part.jobs, pages.factor, pages.is_sampled
    from pgq._pages_to_count('pgq.scheduled') as pages
    cross join lateral (
      select queue, count(*) as jobs
      from pgq.scheduled
      where ctid >= pages.first_place and ctid < pages.before_place
      group by queue
    ) as part
    union all
    select 'blocked', part.queue, part.jobs, pages.factor, pages.is_sampled
    from pgq._pages_to_count('pgq.blocked') as pages
    cross join lateral (
      select queue, count(*) as jobs
      from pgq.blocked
      where ctid >= pages.first_place and ctid < pages.before_place
      group by queue
    ) as part
    union all
    select 'running', part.queue, part.jobs, pages.factor, pages.is_sampled
    from pgq._pages_to_count('pgq.running') as pages
    cross join lateral (
      select queue, count(*) as jobs
      from pgq.running
      where ctid >= pages.first_place and ctid < pages.before_place
      group by queue
    ) as part
  ) as counted (lane, queue, jobs, factor, is_sampled)
  group by counted.lane, counted.queue;
end
$$;

comment on function pgq._lane_counts is
  'Count the jobs of each queue in each lane, exactly or by an estimate.';
