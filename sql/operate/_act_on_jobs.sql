/*
 * Do to some jobs what a bulk operation is for, and return an outcome for each. A job that another
 * session is changing is busy. A job that has left the states of the operation is passed over.
 *
 * It waits for nothing but a unique key that is being taken, or the row of a batch. After 50 ms of
 * that it raises 55P03.
 */
create or replace function pgq._act_on_jobs(
  operation pgq.bulk_operations,
  ids bigint[],
  at timestamptz
)
  returns table (job_id bigint, outcome text)
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
  set lock_timeout = '50ms'
as $$
#variable_conflict use_column
declare
  v_states constant text[] := (operation.wanted).states;
  v_free bigint[] := pgq._lock_free_jobs(ids, v_states);
  v_left bigint[];
  v_there bigint[];
begin
  if operation.action = 'cancel' and 'running' = any(v_states) then
    v_free := v_free || array(
      select claim.job_id from pgq.running as claim where claim.job_id = any(ids)
    );
  end if;
  case operation.action
    when 'retry' then return query select * from pgq._retry_jobs(v_free, at, v_states);
    when 'cancel' then return query select * from pgq._cancel_jobs(v_free, false);
    when 'discard' then return query select * from pgq._discard_jobs(v_free, v_states);
    when 'reprioritise' then
      return query select * from pgq._reprioritise_jobs(v_free, operation.priority);
    when 'run_now' then return query select * from pgq._run_jobs_now(v_free);
    when 'redrive' then
      return query select done.job_id, done.outcome from pgq._redrive_jobs(v_free) as done;
  end case;

  v_left := array(select unnest(ids) except select unnest(v_free) order by 1);
  if cardinality(v_left) = 0 then
    return;
  end if;
  v_there := array(
    select id from pgq.job_history where id = any(v_left) and state = any(v_states)
    union all
    select lane.job_id from pgq.scheduled as lane
    where lane.job_id = any(v_left) and 'scheduled' = any(v_states)
    union all
    select lane.job_id from pgq.blocked as lane
    where lane.job_id = any(v_left) and 'blocked' = any(v_states)
    union all
    select lane.job_id from pgq.ready as lane
    where lane.job_id = any(v_left) and 'ready' = any(v_states)
  );
  return query
  select asked, case when asked = any(v_there) then 'busy' else 'passed_over' end
  from unnest(v_left) as asked;
end
$$;

comment on function pgq._act_on_jobs is
  'Do to some jobs what a bulk operation is for; answers per job.';
