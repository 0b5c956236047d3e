/*
 * Find which jobs depend on which, up to 20,000 such pairs, among the 5,000 ids before and after a
 * job. Jobs that were enqueued together have ids that are that near. When children no longer wait,
 * nothing else leads from a job to them.
 */
create or replace function pgq._flow_edges(
  job_id bigint,
  out parents bigint[],
  out children bigint[]
)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_away constant numeric := 5000::numeric * pgq._id_increment();
  v_first constant bigint := greatest(job_id - v_away, -9223372036854775808);
  v_last constant bigint := least(job_id + v_away, 9223372036854775807);
begin
  select array_agg(edge.parent), array_agg(edge.child)
  into parents, children
  from (
    select unnest(near.depends_on), near.id
    from (
      select job.id, job.depends_on
      from pgq.jobs as job
      where job.id between v_first and v_last
      union all
      select past.id, past.depends_on
      from pgq.job_history as past
      where past.id between v_first and v_last
    ) as near
    where near.depends_on is not null
    limit 20000
  ) as edge (parent, child);
end
$$;

comment on function pgq._flow_edges is
  'Find which jobs depend on which, among those with ids near a job.';
