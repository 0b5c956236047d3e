/*
 * The parts of a queue's ready lane that may hold rows, in claim order; a part ends below a
 * priority, and after a transaction of the priority before. Usually that is one part, the whole
 * lane. With marks, a part goes from each mark to the next priority that has one, and there is one
 * for each older transaction that the mark lists, unless this statement does not see its rows.
 *
 * Plain SQL without settings, so that it is inlined into the statements that read it.
 */
create or replace function pgq._ready_ranges(queue text)
  returns table (
    priority bigint,
    ready_xid xid8,
    job_id bigint,
    below bigint,
    last_xid xid8
  )
  language sql
  stable
  rows 1
as $$
  select start.priority, start.ready_xid, start.job_id,
    case
      when start.is_older then start.priority + 1
      else lead(start.priority, 1, 2147483648::bigint)
        over (order by start.priority, start.ready_xid)
    end,
    case when start.is_older then start.ready_xid else '18446744073709551615'::xid8 end
  from (
    select -2147483648::bigint, '0'::xid8, 0::bigint, false
    union all
    select mark.priority, part.ready_xid, part.job_id, part.ready_xid < mark.ready_xid
    from pgq.ready_marks as mark
    cross join lateral unnest(
      mark.older_xids || mark.ready_xid, mark.older_job_ids || mark.job_id
    ) as part (ready_xid, job_id)
    where mark.queue = _ready_ranges.queue
      and mark.server_started_at = pg_catalog.pg_postmaster_start_time()
      and (
        part.ready_xid = mark.ready_xid
        or pg_catalog.pg_visible_in_snapshot(part.ready_xid, pg_catalog.pg_current_snapshot())
      )
  ) as start (priority, ready_xid, job_id, is_older)
  order by start.priority, start.ready_xid
$$;

comment on function pgq._ready_ranges is
  'The parts of a queue''s ready lane that may hold rows, in claim order.';
