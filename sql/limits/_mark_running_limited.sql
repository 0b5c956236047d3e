/*
 * Have the jobs of a queue that are running already count for its max_running. One that is being
 * settled is passed over.
 */
create or replace function pgq._mark_running_limited(queue text)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  update pgq.running
  set limited = true
  where job_id = any(array(
    select job_id
    from pgq.running
    where queue = _mark_running_limited.queue
      and limited is null
    order by job_id
    for update skip locked
  ));
end
$$;

comment on function pgq._mark_running_limited is
  'Have the jobs of a queue that are running already count for its max_running.';
