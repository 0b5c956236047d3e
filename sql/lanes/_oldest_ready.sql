/*
 * The oldest ready job of a queue at each priority, by one index probe each, and not more than a
 * hundred; dead rows below a mark are passed over.
 */
create or replace function pgq._oldest_ready(queue text)
  returns table (priority integer, ready_at timestamptz)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_range record;
  v_head record;
  v_probes bigint := 0;
begin
  for v_range in
    select * from pgq._ready_ranges(_oldest_ready.queue)
  loop
    loop
      v_probes := v_probes + 1;
      select lane.priority, lane.ready_at into v_head
      from pgq.ready as lane
      where lane.queue = _oldest_ready.queue
        and (lane.priority, lane.ready_xid, lane.job_id)
          >= (v_range.priority, v_range.ready_xid, v_range.job_id)
        and lane.priority < v_range.below
        and (lane.priority, lane.ready_xid) <= (v_range.below - 1, v_range.last_xid)
      order by lane.priority, lane.ready_xid, lane.job_id
      limit 1;
      exit when not found;
      if priority is distinct from v_head.priority then
        priority := v_head.priority;
        ready_at := v_head.ready_at;
        return next;
      end if;
      exit when v_probes >= 100 or v_head.priority >= v_range.below - 1;
      v_range.priority := v_head.priority + 1::bigint;
      v_range.ready_xid := '0';
      v_range.job_id := 0;
    end loop;
    exit when v_probes >= 100;
  end loop;
end
$$;

comment on function pgq._oldest_ready is 'The oldest ready job of a queue at each priority.';
