/*
 * Return the answer of flow_graph() for the jobs that were found.
 */
create or replace function pgq._draw_flow(
  start bigint,
  max_nodes bigint,
  ids bigint[],
  hops bigint[]
)
  returns table (
    id bigint, jobs bigint, task text, queue text, state text, parents bigint[], hops_away bigint,
    more bigint
  )
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  with jobs as materialized (
    select * from pgq._flow_nodes(ids, hops, start, cardinality(ids) > max_nodes)
  ),
  shown as materialized (
    select node, count(*) as jobs, min(task) as task, min(queue) as queue, min(state) as state,
      min(hop) as hop
    from jobs
    group by node
    order by min(hop), node
    limit max_nodes
  ),
  edges as materialized (
    select child.node as child, child.job_id as child_id, parent.node as parent, parent_id,
      child.node in (select node from shown) as has_child,
      coalesce(parent.node in (select node from shown), false) as has_parent
    from jobs as child
    cross join lateral unnest(child.parents) as parent_id
    left join jobs as parent on parent.job_id = parent_id
    -- A job that is not there has been pruned.
    where parent.node is not null or parent_id <> all(ids)
  ),
  hidden as (
    select child as node, count(distinct parent_id) as jobs
    from edges where has_child and not has_parent group by child
    union all
    select parent, count(distinct child_id)
    from edges where has_parent and not has_child group by parent
    union all
    select job.node, other.jobs
    from pgq._flow_left_out(
      array(select job_id from jobs where node in (select node from shown) order by hop, job_id),
      ids
    ) as other
    join jobs as job using (job_id)
  )
  select node, shown.jobs, task, queue, state,
    array(
      select distinct parent from edges where child = shown.node and has_parent order by parent
    ),
    hop,
    coalesce((select sum(hidden.jobs)::bigint from hidden where hidden.node = shown.node), 0)
  from shown
  order by node;
end
$$;

comment on function pgq._draw_flow is
  'Return the answer of flow_graph() for the jobs that were found.';
