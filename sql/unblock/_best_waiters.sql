/*
 * The job that is next in line for each of these semaphores; no row if nobody waits.
 */
create or replace function pgq._best_waiters(keys text[])
  returns table (concurrency_key text, job_id bigint)
  language plpgsql
  stable
  rows 10
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select distinct on (asked) asked, first.job_id
  from unnest(keys) as asked
  cross join lateral pgq._waiting_parts(asked) as part
  cross join lateral (
    select lane.job_id, lane.priority, lane.waiting_xid
    from pgq.blocked as lane
    where lane.concurrency_key = asked
      and not lane.has_parents
      and (lane.priority, lane.waiting_xid, lane.job_id)
        >= (part.priority, part.waiting_xid, part.job_id)
      and lane.priority < part.below
    order by lane.priority, lane.waiting_xid, lane.job_id
    limit 1
  ) as first
  order by asked, first.priority, first.waiting_xid, first.job_id;
end
$$;

comment on function pgq._best_waiters is
  'The job that is next in line for each of these semaphores.';
