/*
 * Note where claims may start, while deleted rows pile up in the ready lane because some session
 * holds an old snapshot; forget the marks when vacuum has caught up. Answers how many it moved.
 *
 * The limit of what is settled is read before the lane is: a transaction that is still in progress
 * then keeps every mark below its own id.
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
  if pg_stat_get_dead_tuples('pgq.ready'::regclass) < 10000 then
    delete from pgq.ready_marks;
    return 0;
  end if;

  insert into pgq.ready_marks as mark (queue, priority, ready_xid)
  select queue, priority, min(ready_xid)
  from (
    select name as queue, range.priority, v_settled as ready_xid
    from pgq._ready_queues() as name
    cross join lateral pgq._ready_ranges(name) as range
    where range.ready_xid > '0'
      and not exists (
        select
        from pgq.ready
        where ready.queue = name
          and ready.priority = range.priority
          and ready.ready_xid >= range.ready_xid
      )
    union all
    select name, first.priority, least(first.ready_xid, v_settled)
    from pgq._ready_queues() as name
    cross join lateral pgq._ready_ranges(name) as range
    cross join lateral (
      select ready.priority, ready.ready_xid
      from pgq.ready
      where ready.queue = name
        and (ready.priority, ready.ready_xid) >= (range.priority, range.ready_xid)
        and ready.priority < range.below
      order by ready.priority, ready.ready_xid
      limit 1
    ) as first
  ) as found
  group by queue, priority
  on conflict (queue, priority) do update
  set ready_xid = excluded.ready_xid,
      server_started_at = excluded.server_started_at
  where mark.ready_xid <> excluded.ready_xid
    or mark.server_started_at <> excluded.server_started_at;
  get diagnostics v_moved = row_count;
  return v_moved;
end
$$;

comment on function pgq._advance_marks is
  'Note where claims may start while deleted rows pile up in the ready lane.';
