/*
 * What why_waiting() says of a blocked job: which parents have not ended, or else who holds the
 * semaphore that it needs. Up to 10,000 jobs that wait before it are counted.
 */
create or replace function pgq._why_blocked(job_id bigint)
  returns table (reason text, explanation text, until timestamptz)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_lane pgq.blocked;
  v_parents text[];
begin
  select * into v_lane from pgq.blocked as lane where lane.job_id = _why_blocked.job_id;
  if v_lane.has_parents then
    v_parents := array(
      select format('%s (%s)', edge.parent_id, parent.state)
      from pgq.dependencies as edge
      cross join lateral (
        select found.state from pgq.all_jobs as found where found.id = edge.parent_id limit 1
      ) as parent
      where edge.child_id = _why_blocked.job_id
        and (parent.state <> all('{succeeded,failed,cancelled,expired}') or edge.outlasts_failure)
      order by edge.parent_id
    );
    return query
    select 'parents', 'it waits for the end of ' || pgq._list_briefly(v_parents), null::timestamptz
    where cardinality(v_parents) > 0;
  elsif v_lane.waiting_xid = '1' then
    return query select * from pgq._why_in_line(v_lane);
  elsif v_lane.concurrency_key is not null then
    return query
    select 'semaphore', concat_ws('; ',
      format(
        'semaphore %shas %s of its %s slots free, and it needs %s',
        case when pgq._sees_contents() then v_lane.concurrency_key || ' ' end,
        greatest(slots.most - taken.slots, 0), slots.most, slots.weight
      ),
      'jobs with slots: ' || pgq._list_briefly(taken.holders),
      nullif(before.jobs, 0) || ' jobs wait before it'
    ), taken.next_expiry_at
    from (
      select coalesce(case when configured.paused_at is null then configured.max_slots
          else configured.kept_slots end, (job.concurrency ->> 'limit')::bigint),
        (job.concurrency ->> 'weight')::bigint
      from pgq.jobs as job
      left join pgq.semaphores as configured
        on configured.concurrency_key = v_lane.concurrency_key
      where job.id = _why_blocked.job_id
    ) as slots (most, weight)
    cross join pgq._slots_taken(v_lane.concurrency_key) as taken
    cross join lateral (
      select count(*) as jobs
      from (
        select
        from pgq.blocked as other
        where other.concurrency_key = v_lane.concurrency_key and not other.has_parents
          and (other.priority, other.waiting_xid, other.job_id)
            < (v_lane.priority, v_lane.waiting_xid, v_lane.job_id)
        limit 10000
      ) as counted
    ) as before
    where taken.slots + slots.weight > slots.most or before.jobs > 0;
  end if;
  return query select 'promotion',
    'nothing holds it back, and promote_due() has not come to it', null::timestamptz
  where not found and v_lane.job_id is not null and not pgq._is_stopped(v_lane.concurrency_key);
end
$$;

comment on function pgq._why_blocked is 'What why_waiting() says of a blocked job.';
