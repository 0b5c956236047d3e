/*
 * Let the jobs of these queues that are already running count for max_running, up to batch_size;
 * answer how many. It skips jobs that are being settled. It reads the running lane once.
 */
create or replace function pgq._mark_running_limited(queues text[], batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_counted bigint;
begin
  update pgq.running
  set limited_xid = pg_current_xact_id()
  where job_id = any(array(
    select job_id
    from pgq.running
    where queue = any(queues)
      and limited_xid is null
    order by job_id
    limit batch_size
    for update skip locked
  ));
  get diagnostics v_counted = row_count;
  return v_counted;
end
$$;

comment on function pgq._mark_running_limited is
  'Let the jobs of queues that are already running count for max_running.';
