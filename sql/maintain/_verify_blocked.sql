/*
 * Violations of: a job is blocked by parents if and only if it has parents that have not ended.
 */
create or replace function pgq._verify_blocked()
  returns table (violation text, job_id bigint, detail text)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select 'parents of a job that is not blocked by them', edge.child_id, edge.parent_id::text
  from pgq.dependencies as edge
  where not exists (
    select from pgq.blocked as lane where lane.job_id = edge.child_id and lane.has_parents
  )
  union all
  select 'blocked by parents, but has none', lane.job_id, null
  from pgq.blocked as lane
  where lane.has_parents
    and not exists (select from pgq.dependencies as edge where edge.child_id = lane.job_id)
  union all
  select 'waits for a parent that has ended, and nobody knows', edge.child_id, edge.parent_id::text
  from pgq.dependencies as edge
  join pgq.blocked as lane on lane.job_id = edge.child_id and not lane.is_new
  join pgq.jobs as child on child.id = edge.child_id
  where not exists (select from pgq.jobs as parent where parent.id = edge.parent_id)
    and not exists (select from pgq.releases as note where note.parent_id = edge.parent_id)
    and not (
      child.on_parent_failure is not distinct from 'wait'
      and exists (
        select
        from pgq.job_history as past
        where past.id = edge.parent_id
          and past.state <> 'succeeded'
      )
    )
$$;

comment on function pgq._verify_blocked is
  'Violations of: a job is blocked by parents if and only if it has parents that have not ended.';
