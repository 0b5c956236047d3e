/*
 * Find the jobs that are tied to a job as parents or children, directly or through others, the
 * nearest first. It finds up to 1,000 of them, up to max_hops away.
 */
create or replace function pgq._flow_jobs(
  job_id bigint,
  max_hops bigint,
  out ids bigint[],
  out hops bigint[]
)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_near constant record := pgq._flow_edges(_flow_jobs.job_id);
  v_next bigint[] := array[_flow_jobs.job_id];
  v_hops bigint := 0;
begin
  ids := '{}';
  hops := '{}';
  while cardinality(v_next) > 0 and v_hops <= max_hops loop
    ids := ids || v_next;
    hops := hops || array_fill(v_hops, array[cardinality(v_next)]);
    v_hops := v_hops + 1;
    v_next := array(
      select neighbour.id
      from (
        select pgq._flow_neighbours(v_next)
        union
        select near.child
        from unnest(v_near.parents, v_near.children) as near (parent, child)
        where near.parent = any(v_next)
      ) as neighbour (id)
      where neighbour.id <> all(ids)
      order by neighbour.id
      limit 1000 - cardinality(ids)
    );
  end loop;
end
$$;

comment on function pgq._flow_jobs is
  'Find the jobs that are tied to a job as parents or children, the nearest first.';
