/*
 * The parents of these jobs, and up to 1,000 children of each that wait for it.
 */
create or replace function pgq._flow_neighbours(ids bigint[])
  returns setof bigint
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select unnest(known.parents)
  from unnest(ids) as known_id
  cross join lateral (
    select link.parents from pgq.job_links as link where link.id = known_id
  ) as known
  union
  select waiting.child_id
  from unnest(ids) as known_id
  cross join lateral (
    select edge.child_id
    from pgq.dependencies as edge
    where edge.parent_id = known_id
    order by edge.outlasts_failure, edge.child_id
    limit 1000
  ) as waiting;
end
$$;

comment on function pgq._flow_neighbours is
  'The parents of these jobs, and up to 1,000 children of each that wait for it.';
