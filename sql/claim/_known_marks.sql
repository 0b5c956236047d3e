/*
 * The marks of a queue for a list of tasks, or else for all tasks, by priority, as rows of
 * ready_marks; and rows that say nothing for the first priorities that have none, a hundred rows at
 * most.
 */
create or replace function pgq._known_marks(queue text, tasks text[])
  returns setof pgq.ready_marks
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_mark constant pgq.task_marks := pgq._task_mark(queue, tasks);
begin
  return query
  with known as (
    select _known_marks.queue, main.priority::integer, main.ready_xid, main.job_id,
      array(
        select each.ready_xid
        from unnest(v_mark.priorities, v_mark.ready_xids, v_mark.are_older)
          as each (priority, ready_xid, is_older)
        where is_older and each.priority = main.priority order by each.ready_xid
      ),
      array(
        select each.job_id
        from unnest(v_mark.priorities, v_mark.ready_xids, v_mark.job_ids, v_mark.are_older)
          as each (priority, ready_xid, job_id, is_older)
        where is_older and each.priority = main.priority order by each.ready_xid
      ),
      v_mark.until_xid, v_mark.server_started_at
    from unnest(v_mark.priorities, v_mark.ready_xids, v_mark.job_ids, v_mark.are_older)
      as main (priority, ready_xid, job_id, is_older)
    where not is_older
    union all
    select mark.*
    from pgq.ready_marks as mark
    where v_mark.queue is null
      and mark.queue = _known_marks.queue
      and mark.server_started_at = pg_postmaster_start_time()
  )
  select * from known
  union all
  select _known_marks.queue, head.priority, '0', 0, '{}', '{}', '0', pg_postmaster_start_time()
  from pgq._oldest_ready(_known_marks.queue) as head
  where head.priority not in (select priority from known)
  limit 100;
end
$$;

comment on function pgq._known_marks is
  'The marks of a queue for a list of tasks, by priority, as rows of ready_marks.';
