/*
 * The ready jobs of a queue that are next in line, the first few of each priority. Jobs that nobody
 * can run stay at the front of their priority, so it is enough to read these.
 */
create or replace function pgq._next_ready(queue text, look_at bigint)
  returns table (task text, ready_at timestamptz)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select head.task, head.ready_at
  from pgq._ready_ranges(_next_ready.queue) as part
  cross join lateral (
    select lane.task, lane.ready_at
    from pgq.ready as lane
    where lane.queue = _next_ready.queue
      and (lane.priority, lane.ready_xid, lane.job_id)
        >= (part.priority, part.ready_xid, part.job_id)
      and lane.priority < part.below
      and (lane.priority, lane.ready_xid) <= (part.below - 1, part.last_xid)
    order by lane.priority, lane.ready_xid, lane.job_id
    limit look_at
  ) as head;
end
$$;

comment on function pgq._next_ready is
  'The ready jobs of a queue that are next in line, the first few of each priority.';
