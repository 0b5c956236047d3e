/*
 * Delete jobs for good, waiting or finished, without a trace in the history.
 *
 * Answers per job: discarded; running, which cancel() is for; not_found; passed_over, when it is in
 * none of the states given; busy, when another session is changing it. The history goes first, as
 * in retry(); children that wait for a retry of a job in it then wait for nothing, and end. A batch
 * goes on counting what had ended; one that waited counts as if it had never been in it.
 */
create or replace function pgq.discard(ids bigint[], states text[] default null)
  returns table (job_id bigint, outcome text)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  perform pgq._check_count(cardinality(discard.ids), 'ids');
  perform pgq._check_count(cardinality(discard.states collate "default"), 'states');
  return query
  select * from pgq._discard_jobs(discard.ids, discard.states collate "default");
end
$$;

comment on function pgq.discard is
  'Delete jobs for good, waiting or finished; answers per job.';
