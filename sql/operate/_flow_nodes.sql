/*
 * These jobs, each with the node that it belongs to: itself, or where they are folded the first of
 * its equal siblings, of the same task, queue, state and parents. The job start stays by itself.
 * A parent has a lower id than its children, so its node is known when theirs is asked for.
 */
create or replace function pgq._flow_nodes(
  ids bigint[],
  hops bigint[],
  start bigint,
  is_folded boolean
)
  returns table (
    node bigint, job_id bigint, hop bigint, task text, queue text, state text, parents bigint[]
  )
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_ids bigint[] := '{}';
  v_nodes bigint[] := '{}';
  v_keys text[] := '{}';
  v_key text;
begin
  for job_id, hop, task, queue, state, parents in
    select known.id, known.hop, job.task, job.queue, job.state, link.parents
    from unnest(ids, hops) as known (id, hop)
    cross join lateral (
      select found.task, found.queue, found.state from pgq.all_jobs as found
      where found.id = known.id
      limit 1
    ) as job
    cross join lateral (
      select found.parents from pgq.job_links as found where found.id = known.id limit 1
    ) as link
    order by known.id
  loop
    node := job_id;
    if is_folded and job_id <> start then
      v_key := format('%L %L %s %s', task, queue, state, array(
        select distinct coalesce(v_nodes[array_position(v_ids, parent)], parent)
        from unnest(parents) as parent
        order by 1
      ));
      node := coalesce(v_nodes[array_position(v_keys, v_key)], job_id);
    end if;
    v_ids := v_ids || job_id;
    v_nodes := v_nodes || node;
    v_keys := v_keys || v_key;
    return next;
  end loop;
end
$$;

comment on function pgq._flow_nodes is 'These jobs, each with the node that it belongs to.';
