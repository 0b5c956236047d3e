/*
 * Store for a claim that has found too few jobs of its tasks where these begin, if there are two
 * hundred other jobs that it would read each time: see task_marks. In a short lane it looks at
 * nothing. While dead rows pile up, which nobody can count, it also does it by chance.
 *
 * As for ready_marks, the transactions in progress are read before the lane.
 */
create or replace function pgq._pass_unknown_tasks(queues text[], tasks text[])
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_tasks text[];
  v_seen pg_snapshot;
  v_in_progress xid8[];
  v_until xid8;
  v_dead boolean;
  v_queue text;
begin
  if tasks is null or not pgq._many_are_ready() then
    return;
  end if;
  v_tasks := pgq._ordered(tasks);
  v_seen := pg_current_snapshot();
  v_in_progress := array(select pg_snapshot_xip(v_seen));
  v_until := least(pg_snapshot_xmax(v_seen), pg_current_xact_id_if_assigned());
  v_dead := pgq._dead_rows_pile_up('pgq.ready'::regclass, 10000);
  foreach v_queue in array queues[:100] loop
    continue when not (v_dead and random() < 0.06) and not exists (
      select
      from pgq._ready_parts(array[v_queue], v_tasks) as part
      cross join lateral (
        select
        from pgq.ready as lane
        where lane.queue = v_queue
          and (lane.priority, lane.ready_xid, lane.job_id)
            >= (part.priority, part.ready_xid, part.job_id)
          and lane.priority < part.below
          and (lane.priority, lane.ready_xid) <= (part.below - 1, part.last_xid)
        order by lane.priority, lane.ready_xid, lane.job_id
        limit 200
      ) as other
      offset 199
    );
    insert into pgq.task_marks (
      queue, tasks_key, tasks, priorities, ready_xids, job_ids, are_older, until_xid
    )
    select v_queue, hashtextextended(v_tasks::text, 0), v_tasks,
      array_agg(old.priority order by old.priority, part.ready_xid),
      array_agg(part.ready_xid order by old.priority, part.ready_xid),
      array_agg(part.job_id order by old.priority, part.ready_xid),
      array_agg(part.ready_xid < place.ready_xid order by old.priority, part.ready_xid),
      v_until
    from pgq._known_marks(v_queue, v_tasks) as old
    cross join lateral pgq._mark_place(old, v_tasks, v_in_progress, v_until) as place
    cross join lateral unnest(
      place.older_xids || place.ready_xid, place.older_job_ids || place.job_id
    ) as part (ready_xid, job_id)
    having count(*) > 0;
  end loop;
end
$$;

comment on function pgq._pass_unknown_tasks is
  'Store where the jobs of a claim''s tasks begin, behind many others.';
