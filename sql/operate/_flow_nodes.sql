/*
 * Return these jobs, each with the node that it belongs to. That is the job itself. If jobs are
 * folded, it is the first of its equal siblings, which have the same task, queue, state and
 * parents. The job `start` always is a node of its own.
 *
 * A parent has a lower id than its children. So its node is known before theirs are looked for.
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

comment on function pgq._flow_nodes is 'Return these jobs, each with the node that it belongs to.';
