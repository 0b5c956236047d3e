/*
 * Since when the oldest of the next ready jobs of a queue has waited that is not of a paused task;
 * null: none of the first few of each priority. Used only while tasks are paused.
 */
create or replace function pgq._oldest_wanted(queue text, tasks text[], look_at bigint)
  returns timestamptz
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select min(head.ready_at)
    from pgq._ready_ranges(_oldest_wanted.queue) as part
    cross join lateral (
      select lane.ready_at, lane.task
      from pgq.ready as lane
      where lane.queue = _oldest_wanted.queue
        and (lane.priority, lane.ready_xid, lane.job_id)
          >= (part.priority, part.ready_xid, part.job_id)
        and lane.priority < part.below
        and (lane.priority, lane.ready_xid) <= (part.below - 1, part.last_xid)
      order by lane.priority, lane.ready_xid, lane.job_id
      limit look_at
    ) as head
    where pgq._is_wanted(head.task, _oldest_wanted.tasks)
  );
end
$$;

comment on function pgq._oldest_wanted is
  'Since when the oldest of the next ready jobs of a queue has waited that is not paused.';
