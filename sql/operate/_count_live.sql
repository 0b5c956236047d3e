/*
 * How many live jobs of a queue are in these states, among so many that it looks at in each lane.
 */
create or replace function pgq._count_live(queue text, states text[], most bigint)
  returns table (state text, waits_for text, jobs bigint, looked_at bigint)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select 'scheduled', null, count(*) filter (where lane.queue = _count_live.queue), count(*)
  from (
    select scheduled.queue from pgq.scheduled where 'scheduled' = any(states) limit most
  ) as lane
  union all
  select 'blocked', case when lane.has_parents then 'parents' else 'semaphore' end,
    count(*) filter (where lane.queue = _count_live.queue), (sum(count(*)) over ())::bigint
  from (
    select blocked.queue, blocked.has_parents
    from pgq.blocked
    where 'blocked' = any(states)
    limit most
  ) as lane
  group by lane.has_parents
  union all
  select 'ready', null, count(*), count(*)
  from (
    select from pgq.ready
    where 'ready' = any(states) and ready.queue = _count_live.queue
    limit most
  ) as lane
  union all
  select 'running', null, count(*) filter (where lane.queue = _count_live.queue), count(*)
  from (
    select running.queue from pgq.running where 'running' = any(states) limit most
  ) as lane;
end
$$;

comment on function pgq._count_live is 'How many live jobs of a queue are in these states.';
