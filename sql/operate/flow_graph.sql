/*
 * Return the jobs that are tied to a job as parents or children, directly or through others: up to
 * max_nodes nodes (default and most: 200), in the order of ids. If there are more jobs, equal
 * siblings are one node; they have the same task, queue, state and parents. id is then the first
 * of them, and jobs their number.
 *
 * It looks at up to 1,000 jobs, the nearest first; hops says how far away one is. more says how
 * many jobs next to a node are not shown. If it is 0 everywhere, the graph is complete. A child
 * that no longer waits for its parent is found only if it was enqueued within 5,000 jobs of this
 * one.
 */
create or replace function pgq.flow_graph(job_id bigint, max_nodes bigint default 200)
  returns table (
    id bigint, jobs bigint, task text, queue text, state text, parents bigint[], hops bigint,
    more bigint
  )
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
declare
  v_most constant bigint := coalesce(flow_graph.max_nodes, 200);
  v_found record;
begin
  if v_most not between 1 and 200 then
    raise exception 'max_nodes is %', v_most
      using errcode = 'JQ002',
            hint = 'Pass 1 to 200.';
  end if;
  v_found := pgq._flow_jobs(flow_graph.job_id, v_most);
  return query select * from pgq._draw_flow(flow_graph.job_id, v_most, v_found.ids, v_found.hops);
end
$$;

comment on function pgq.flow_graph is
  'Return the jobs that are tied to a job as parents or children, with equal siblings as one.';
