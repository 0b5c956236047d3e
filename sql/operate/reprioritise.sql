/*
 * Give waiting jobs (scheduled, blocked or ready) another priority. A lower one runs first.
 *
 * Answers per job: reprioritised, also if it already had that priority, and then it keeps its
 * place; running, on which this has no effect; finished; not_found; busy, if another session is
 * changing it. A moved job comes last among the jobs of its new priority. If it holds a semaphore,
 * it gives its slots back and waits again. Locks jobs in the order of their lanes and ids.
 */
create or replace function pgq.reprioritise(ids bigint[], priority bigint)
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
  perform pgq._check_count(cardinality(reprioritise.ids), 'ids');
  if (reprioritise.priority between -2147483648 and 2147483647) is not true then
    raise exception 'priority is null or out of range'
      using errcode = 'JQ002',
            hint = 'Pass a 32-bit integer; lower runs first.';
  end if;
  select array_agg(done.job_id), array_agg(done.outcome)
  into v_jobs, v_outcomes
  from pgq._reprioritise_jobs(reprioritise.ids, reprioritise.priority) as done;
  perform pgq._audit_jobs('reprioritise', v_jobs, v_outcomes, '{reprioritised}', jsonb_build_object(
    'priority', reprioritise.priority
  ));
  return query select * from unnest(v_jobs, v_outcomes);
end
$$;

comment on function pgq.reprioritise is
  'Give waiting jobs another priority, lower runs first; answers per job.';
