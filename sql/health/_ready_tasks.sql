/*
 * The tasks of the ready jobs of a queue that are next in line. Jobs that nobody can run stay at
 * the front of their priority, so it is enough to read the first few.
 */
create or replace function pgq._ready_tasks(queue text, look_at bigint)
  returns text[]
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return array(
    select distinct head.task
    from pgq._ready_ranges(_ready_tasks.queue) as part
    cross join lateral (
      select lane.task
      from pgq.ready as lane
      where lane.queue = _ready_tasks.queue
        and (lane.priority, lane.ready_xid, lane.job_id)
          >= (part.priority, part.ready_xid, part.job_id)
        and lane.priority < part.below
        and (lane.priority, lane.ready_xid) <= (part.below - 1, part.last_xid)
      order by lane.priority, lane.ready_xid, lane.job_id
      limit look_at
    ) as head
    order by 1
  );
end
$$;

comment on function pgq._ready_tasks is
  'The tasks of the ready jobs of a queue that are next in line.';
