/*
 * Count the waiting children of each of these jobs that are not among all_ids, up to 100,000.
 */
create or replace function pgq._flow_left_out(ids bigint[], all_ids bigint[])
  returns table (job_id bigint, jobs bigint)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  with known as materialized (
    select unnest(all_ids) as id
  ),
  beside as materialized (
    select edge.id, edge.child_id
    from (
      select given.id, waiting.child_id
      from unnest(ids) with ordinality as given (id, place)
      cross join lateral (
        select lane.child_id
        from pgq.dependencies as lane
        where lane.parent_id = given.id
        order by lane.outlasts_failure, lane.child_id
        limit 100000
      ) as waiting
      order by given.place
      limit 100000
    ) as edge
  )
  select beside.id, count(*)
  from beside
  where not exists (select from known where known.id = beside.child_id)
  group by beside.id;
end
$$;

comment on function pgq._flow_left_out is
  'Count the waiting children of each of these jobs that are not among all_ids.';
