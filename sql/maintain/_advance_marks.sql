/*
 * Store where claims may start, while deleted rows pile up in the ready lane because some session
 * holds an old snapshot. Delete the marks when vacuum has caught up. Answers how many marks it
 * moved.
 *
 * If the jobs of a queue are claimed as soon as they come, none is visible here: such a queue gets
 * a mark at the default priority.
 *
 * The oldest transaction in progress is read before the lane: no mark may reach its id.
 */
create or replace function pgq._advance_marks()
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_settled constant xid8 := pg_snapshot_xmin(pg_current_snapshot());
  v_moved bigint;
begin
  if not pgq._dead_rows_pile_up('pgq.ready'::regclass, 10000) then
    delete from pgq.ready_marks;
    return 0;
  end if;

  insert into pgq.ready_marks as mark (queue, priority, ready_xid, job_id)
  select distinct on (queue, priority) queue, priority, ready_xid, job_id
  from (
    select name as queue, range.priority, v_settled as ready_xid, 0 as job_id
    from pgq._ready_queues() as name
    cross join lateral pgq._ready_ranges(name) as range
    where range.ready_xid > '0'
    union all
    select name, first.priority, least(first.ready_xid, v_settled),
      case when first.ready_xid < v_settled then first.job_id else 0 end
    from pgq._ready_queues() as name
    cross join lateral pgq._ready_ranges(name) as range
    cross join lateral (
      select ready.priority, ready.ready_xid, ready.job_id
      from pgq.ready
      where ready.queue = name
        and (ready.priority, ready.ready_xid, ready.job_id)
          >= (range.priority, range.ready_xid, range.job_id)
        and ready.priority < range.below
      order by ready.priority, ready.ready_xid, ready.job_id
      limit 1
    ) as first
    union all
    select name, 0, v_settled, 0
    from pgq._worked_queues_without_mark() as name
    where (
      select true from pgq.ready
      where ready.queue = name and ready.priority = 0 and ready.ready_xid < v_settled
      limit 1
    ) is null
  ) as found
  order by queue, priority, ready_xid
  on conflict (queue, priority) do update
  set ready_xid = excluded.ready_xid,
      job_id = excluded.job_id,
      server_started_at = excluded.server_started_at
  where (mark.ready_xid, mark.job_id, mark.server_started_at)
    is distinct from (excluded.ready_xid, excluded.job_id, excluded.server_started_at);
  get diagnostics v_moved = row_count;
  return v_moved;
end
$$;

comment on function pgq._advance_marks is
  'Store where claims may start while deleted rows pile up in the ready lane.';
