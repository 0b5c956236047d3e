/*
 * Store where claims may start, while deleted rows pile up in the ready lane because some session
 * holds an old snapshot. Delete the marks when vacuum has caught up. Answers how many marks it
 * moved.
 *
 * If the jobs of a queue are claimed as soon as they come, none is visible here: such a queue gets
 * a mark at the default priority.
 *
 * The transactions in progress are read before the lane: only they, and later ones, can still add
 * rows that this does not see.
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
  v_seen constant pg_snapshot := pg_current_snapshot();
  v_in_progress constant xid8[] := array(select pg_snapshot_xip(v_seen));
  v_until constant xid8 := least(pg_snapshot_xmax(v_seen), pg_current_xact_id_if_assigned());
  v_moved bigint;
begin
  if not pgq._dead_rows_pile_up('pgq.ready'::regclass, 10000) then
    delete from pgq.ready_marks;
    return 0;
  end if;

  insert into pgq.ready_marks as mark (
    queue, priority, ready_xid, job_id, older_xids, older_job_ids, until_xid
  )
  select known.queue, known.priority, place.ready_xid, place.job_id, place.older_xids,
    place.older_job_ids, v_until
  from (
    select queue, priority
    from pgq.ready_marks
    where server_started_at = pg_postmaster_start_time()
    union
    select name, first.priority
    from pgq._ready_queues() as name
    cross join lateral pgq._ready_ranges(name) as range
    cross join lateral (
      select ready.priority
      from pgq.ready
      where ready.queue = name
        and (ready.priority, ready.ready_xid, ready.job_id)
          >= (range.priority, range.ready_xid, range.job_id)
        and ready.priority < range.below
        and (ready.priority, ready.ready_xid) <= (range.below - 1, range.last_xid)
      order by ready.priority, ready.ready_xid, ready.job_id
      limit 1
    ) as first
    union
    select name, 0
    from pgq._worked_queues_without_mark() as name
  ) as known (queue, priority)
  left join pgq.ready_marks as old
    on old.queue = known.queue and old.priority = known.priority
    and old.server_started_at = pg_postmaster_start_time()
  cross join lateral pgq._mark_place(
    row(
      known.queue, known.priority, coalesce(old.ready_xid, '0'), coalesce(old.job_id, 0),
      old.older_xids, old.older_job_ids, coalesce(old.until_xid, '0'), null
    ),
    null, v_in_progress, v_until
  ) as place
  on conflict (queue, priority) do update
  set (ready_xid, job_id, older_xids, older_job_ids, until_xid, server_started_at) = (
    excluded.ready_xid, excluded.job_id, excluded.older_xids, excluded.older_job_ids,
    excluded.until_xid, excluded.server_started_at
  )
  where (mark.*) is distinct from (excluded.*);
  get diagnostics v_moved = row_count;
  return v_moved;
end
$$;

comment on function pgq._advance_marks is
  'Store where claims may start while deleted rows pile up in the ready lane.';
