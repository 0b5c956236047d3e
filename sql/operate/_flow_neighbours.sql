/*
 * The parents of these jobs, and up to 1,000 children of each that wait for it.
 */
create or replace function pgq._flow_neighbours(ids bigint[])
  returns setof bigint
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  -- The others have ended. Each of those is looked for in all days of the history.
  v_live constant bigint[] := array(select job.id from pgq.jobs as job where job.id = any(ids));
begin
  return query
  select unnest(job.depends_on)
  from pgq.jobs as job
  where job.id = any(v_live)
  union
  select unnest(past.depends_on)
  from pgq.job_history as past
  where past.id = any(array(
    select ended from unnest(ids) as ended where ended <> all(v_live) order by ended
  ))
  union
  select waiting.child_id
  from unnest(ids) as known_id
  cross join lateral (
    select edge.child_id
    from pgq.dependencies as edge
    where edge.parent_id = known_id
    order by edge.outlasts_failure, edge.child_id + 0
    limit 1000
  ) as waiting;
end
$$;

comment on function pgq._flow_neighbours is
  'The parents of these jobs, and up to 1,000 children of each that wait for it.';
