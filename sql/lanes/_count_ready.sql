/*
 * Count the ready jobs of a queue, up to most of them, by its index. It starts at the queue's
 * mark, so that it does not walk over dead rows.
 */
create or replace function pgq._count_ready(queue text, most bigint)
  returns bigint
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select count(*)
    from (
      select
      from pgq._ready_ranges(_count_ready.queue) as range
      cross join lateral (
        select
        from pgq.ready as lane
        where lane.queue = _count_ready.queue
          and (lane.priority, lane.ready_xid, lane.job_id)
            >= (range.priority, range.ready_xid, range.job_id)
          and lane.priority < range.below
          and (lane.priority, lane.ready_xid) <= (range.below - 1, range.last_xid)
        limit most
      ) as found
      limit most
    ) as counted
  );
end
$$;

comment on function pgq._count_ready is 'Count the ready jobs of a queue, up to most of them.';
