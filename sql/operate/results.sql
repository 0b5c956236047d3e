/*
 * The states of jobs and their results: a row per id, in the given order. If state is null, the job
 * is unknown, was pruned, or succeeded where that is not kept, see configure_retention(). The error
 * is that of the last failed attempt.
 */
create or replace function pgq.results(ids bigint[])
  returns table (job_id bigint, state text, result jsonb, error jsonb, finished_at timestamptz)
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  perform pgq._check_count(cardinality(results.ids), 'ids');
  return query
  select asked.id, found.state, found.result, found.error, found.finished_at
  from unnest(results.ids) with ordinality as asked (id, place)
  left join lateral (
    select job.state, job.result, job.errors -> -1 as error, job.finished_at
    from pgq.all_jobs as job
    where job.id = asked.id
    limit 1
  ) as found on true
  order by asked.place;
end
$$;

comment on function pgq.results is 'The states of jobs and their results: a row per id.';
