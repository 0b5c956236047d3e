/*
 * How many finished jobs of a queue are in these states, among so many that it looks at for each.
 */
create or replace function pgq._count_finished(queue text, states text[], most bigint)
  returns table (state text, waits_for text, jobs bigint, looked_at bigint)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select 'succeeded', null::text,
    count(*) filter (where past.queue = _count_finished.queue and past.state = 'succeeded'),
    count(*)
  from (
    select job_history.queue, job_history.state
    from pgq.job_history
    where 'succeeded' = any(states)
    limit most
  ) as past
  union all
  select 'cancelled', null,
    count(*) filter (where past.queue = _count_finished.queue and past.state = 'cancelled'),
    count(*)
  from (
    select job_history.queue, job_history.state
    from pgq.job_history
    where 'cancelled' = any(states) and job_history.state <> 'succeeded'
    limit most
  ) as past
  union all
  select wanted.state, null, counted.jobs, counted.jobs
  from unnest(array['failed', 'expired']) as wanted (state)
  cross join lateral (
    select count(*) as jobs
    from (
      select from pgq.job_history
      where job_history.queue = _count_finished.queue
        and job_history.state = wanted.state
        and job_history.state in ('failed', 'expired')
      limit most
    ) as past
  ) as counted
  where wanted.state = any(states);
end
$$;

comment on function pgq._count_finished is
  'How many finished jobs of a queue are in these states.';
