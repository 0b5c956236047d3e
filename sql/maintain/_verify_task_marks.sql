/*
 * Violations of: no row of a task is before a mark for it.
 */
create or replace function pgq._verify_task_marks()
  returns table (violation text, job_id bigint, detail text)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select distinct 'ready job below the mark of its task', lane.job_id, part.ready_xid::text
  from pgq.task_marks as mark
  cross join lateral unnest(mark.priorities, mark.ready_xids, mark.job_ids, mark.are_older)
    as part (priority, ready_xid, job_id, is_older)
  join pgq.ready as lane
    on lane.queue = mark.queue
    and lane.priority = part.priority
    and pgq._is_wanted(lane.task, mark.tasks)
  where not part.is_older
    and (lane.ready_xid, lane.job_id) < (part.ready_xid, part.job_id)
    and mark.server_started_at = pg_postmaster_start_time()
    and not exists (
      select
      from unnest(mark.priorities, mark.ready_xids, mark.job_ids, mark.are_older)
        as older (priority, ready_xid, job_id, is_older)
      where older.is_older
        and older.priority = lane.priority
        and older.ready_xid = lane.ready_xid
        and older.job_id <= lane.job_id
    )
$$;

comment on function pgq._verify_task_marks is
  'Violations of: no row of a task is before a mark for it.';
