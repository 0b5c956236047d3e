/*
 * Where the ready jobs of a queue and a priority begin, in the form of a mark: those of some tasks,
 * or all. old: the mark that there is. in_progress: transactions in progress, except this one;
 * until_xid: this one, if it has an id, else the next id. Both were read before the lane: see
 * ready_marks.
 *
 * The mark passes a transaction in progress that had begun before the last mark, and lists it.
 * Younger ones are usually short, so the mark stops at the first of them. It lists twenty at most,
 * and stops at the next one. Before Postgres 18 a scan does not end at the last row of a
 * transaction, so there it stops at the first transaction in progress.
 */
create or replace function pgq._mark_place(
  old pgq.ready_marks,
  tasks text[],
  in_progress xid8[],
  until_xid xid8,
  out ready_xid xid8,
  out job_id bigint,
  out older_xids xid8[],
  out older_job_ids bigint[]
)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_passes_none constant boolean := current_setting('server_version_num')::integer < 180000;
  v_first_xid xid8;
  v_first_id bigint;
begin
  ready_xid := least(_mark_place.until_xid, (
    select xid from unnest(in_progress) as xid where xid >= old.until_xid or v_passes_none
    order by xid limit 1
  ));
  select lane.ready_xid, lane.job_id
  into v_first_xid, v_first_id
  from pgq.ready as lane
  where lane.queue = old.queue
    and lane.priority = old.priority
    and (lane.ready_xid, lane.job_id) >= (old.ready_xid, old.job_id)
    and pgq._is_wanted(lane.task, _mark_place.tasks)
  order by lane.ready_xid, lane.job_id
  limit 1;
  job_id := case when v_first_xid < ready_xid then v_first_id else 0 end;
  ready_xid := least(v_first_xid, ready_xid);

  select coalesce(array_agg(older.xid order by older.xid), '{}'),
    coalesce(array_agg(older.id order by older.xid), '{}')
  into older_xids, older_job_ids
  from (
    select known.xid, case when known.xid = any(in_progress) then 0 else first.job_id end as id
    from (
      select * from unnest(old.older_xids, old.older_job_ids)
      union all
      select xid, 0 from unnest(in_progress) as xid
      where xid >= old.ready_xid and xid < old.until_xid
    ) as known (xid, id)
    left join lateral (
      select lane.job_id
      from pgq.ready as lane
      where known.xid <> all(in_progress)
        and lane.queue = old.queue and lane.priority = old.priority
        and (lane.ready_xid, lane.job_id) >= (known.xid, known.id)
        and lane.ready_xid <= known.xid
        and pgq._is_wanted(lane.task, _mark_place.tasks)
      order by lane.ready_xid, lane.job_id
      limit 1
    ) as first on true
    where known.xid < _mark_place.ready_xid
  ) as older
  where older.id is not null;
  if cardinality(older_xids) > 20 then
    ready_xid := older_xids[21];
    job_id := older_job_ids[21];
    older_xids := older_xids[:20];
    older_job_ids := older_job_ids[:20];
  end if;
end
$$;

comment on function pgq._mark_place is
  'Where the ready jobs of a queue and a priority begin, in the form of a mark.';
