/*
 * The parts of a queue's ready lane that may hold rows, in claim order. Usually that is one part,
 * the whole lane; with marks, a part goes from each mark to the next priority that has one.
 *
 * Plain SQL without settings, so that it is inlined into the statements that read it.
 */
create or replace function pgq._ready_ranges(queue text)
  returns table (priority bigint, ready_xid xid8, job_id bigint, below bigint)
  language sql
  stable
  rows 1
as $$
  select start.priority, start.ready_xid, start.job_id,
    lead(start.priority, 1, 2147483648::bigint) over (order by start.priority, start.ready_xid)
  from (
    select -2147483648::bigint, '0'::xid8, 0::bigint
    union all
    select mark.priority, mark.ready_xid, mark.job_id
    from pgq.ready_marks as mark
    where mark.queue = _ready_ranges.queue
      and mark.server_started_at = pg_catalog.pg_postmaster_start_time()
  ) as start (priority, ready_xid, job_id)
  order by start.priority, start.ready_xid
$$;

comment on function pgq._ready_ranges is
  'The parts of a queue''s ready lane that may hold rows, in claim order.';
