/*
 * Cancel jobs: a waiting one at once, a running one by asking its worker, at its next heartbeat.
 *
 * Answers per job: cancelled; requested, for a running one; finished, when it has ended; not_found;
 * busy, when another session kept changing it: ask again. Locks waiting jobs in the order of their
 * lanes and ids; a running job is not locked, however long the caller's transaction stays open.
 */
create or replace function pgq.cancel(ids bigint[])
  returns table (job_id bigint, outcome text)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  perform pgq._check_count(cardinality(cancel.ids), 'ids');
  return query
  select * from pgq._cancel_jobs(cancel.ids, true);
end
$$;

comment on function pgq.cancel is
  'Cancel jobs: a waiting one at once, a running one by asking its worker; answers per job.';
