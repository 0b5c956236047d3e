/*
 * The parents of a job, in the order in which it names them, with the state and result of each. If
 * the state is null, the parent was pruned or discarded, or succeeded where that is not kept.
 */
create or replace function pgq.parent_results(job_id bigint)
  returns table (parent_id bigint, state text, result jsonb)
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
as $$
begin
  return query
  select parent.id, answer.state, answer.result
  from (
    select job.depends_on
    from pgq.jobs as job
    where job.id = parent_results.job_id
    union all
    select past.depends_on
    from pgq.job_history as past
    where past.id = parent_results.job_id
    limit 1
  ) as child
  cross join lateral unnest(child.depends_on) with ordinality as parent (id, place)
  left join lateral pgq.result(parent.id) as answer on true
  order by parent.place;
end
$$;

comment on function pgq.parent_results is 'The parents of a job, with state and result of each.';
