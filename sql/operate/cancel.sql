/*
 * Cancel jobs: a waiting one at once, a running one by asking its worker, at its next heartbeat.
 *
 * Answers per job: cancelled; requested, for a running one; finished, if it has ended; not_found;
 * busy, if another session kept changing it: call it again. Locks waiting jobs in the order of
 * their lanes and ids; a running job is not locked, however long the caller's transaction stays
 * open.
 */
create or replace function pgq.cancel(ids bigint[])
  returns table (job_id bigint, outcome text)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_jobs bigint[];
  v_outcomes text[];
begin
  perform pgq._check_count(cardinality(cancel.ids), 'ids');
  select array_agg(done.job_id), array_agg(done.outcome)
  into v_jobs, v_outcomes
  from pgq._cancel_jobs(cancel.ids, true) as done;
  perform pgq._audit_jobs('cancel', v_jobs, v_outcomes, '{cancelled,requested}');
  return query select * from unnest(v_jobs, v_outcomes);
end
$$;

comment on function pgq.cancel is
  'Cancel jobs: a waiting one at once, a running one by asking its worker; answers per job.';
