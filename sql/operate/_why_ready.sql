/*
 * What why_waiting() says of a ready job: what stops its queue, whether a worker could take it, and
 * how many jobs, up to 10,000, are before it.
 */
create or replace function pgq._why_ready(job_id bigint, now_at timestamptz)
  returns table (reason text, explanation text, until timestamptz)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_lane pgq.ready;
  v_before bigint;
begin
  select * into v_lane from pgq.ready as lane where lane.job_id = _why_ready.job_id;
  if v_lane.job_id is null then
    return;
  end if;
  if v_lane.expires_at <= now_at then
    return query
    select 'time', 'it was not started in time, and maintain() has not ended it yet', now_at;
    return;
  end if;
  return query select * from pgq._why_queue_stands(v_lane.queue, v_lane.partition_key, now_at);
  return query
  select * from pgq._why_paused(v_lane.queue, v_lane.task, v_lane.partition_key, now_at);
  return query select * from pgq._why_nobody_takes(v_lane.queue, v_lane.task, now_at);

  v_before := (
    select count(*)
    from (
      select
      from pgq._ready_ranges(v_lane.queue) as range
      cross join lateral (
        select
        from pgq.ready as other
        where other.queue = v_lane.queue
          and (other.priority, other.ready_xid, other.job_id)
            >= (range.priority, range.ready_xid, range.job_id)
          and other.priority < range.below
          and (other.priority, other.ready_xid) <= (range.below - 1, range.last_xid)
          and (other.priority, other.ready_xid, other.job_id)
            < (v_lane.priority, v_lane.ready_xid, v_lane.job_id)
        limit 10000
      ) as found
      limit 10000
    ) as counted
  );
  return query
  select 'turn',
    case v_before
      when 0 then 'it is the next of its queue'
      when 1 then '1 job of its queue is before it'
      when 10000 then 'at least 10000 jobs of its queue are before it'
      else format('%s jobs of its queue are before it', v_before)
    end || case
      when v_before > 0 and pgq._tenant_key(v_lane.queue) is not null
      then ', unless its key has its turn earlier'
      else ''
    end,
    null::timestamptz;
end
$$;

comment on function pgq._why_ready is 'What why_waiting() says of a ready job.';
