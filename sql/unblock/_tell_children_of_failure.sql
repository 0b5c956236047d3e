/*
 * Remove a parent that did not succeed from up to batch_size children. By their on_parent_failure
 * they end as cancelled, or go on as if it had succeeded. A child that waits for a retry of the
 * parent also ends as cancelled if the parent is not in the history any more.
 *
 * done: no child is left. It skips a child that another session has locked, also if it is locked as
 * the parent of a new job.
 */
create or replace function pgq._tell_children_of_failure(
  parent_id bigint,
  batch_size bigint,
  now_at timestamptz,
  out moved bigint,
  out done boolean
)
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
  set enable_sort = off
as $$
#variable_conflict use_column
declare
  v_parent constant bigint := _tell_children_of_failure.parent_id;
  v_all constant boolean := coalesce(
    (select false from pgq.jobs as live where live.id = v_parent),
    (select false from pgq.job_history as past where past.id = v_parent limit 1),
    true
  );
  v_children constant bigint[] := array(
    select lane.job_id
    from pgq.dependencies as edge
    cross join lateral (
      select job_id from pgq.blocked where job_id = edge.child_id for update skip locked
    ) as lane
    where edge.parent_id = v_parent
      and edge.outlasts_failure <= v_all
    order by edge.outlasts_failure, edge.child_id + 0
    limit batch_size
  );
  v_cancelled constant bigint[] := array(
    select id from pgq.jobs
    where id = any(v_children) and on_parent_failure is distinct from 'run'
    for update skip locked
  );
  v_free constant bigint[] := array(
    select id from pgq.jobs where id = any(v_children) and on_parent_failure = 'run'
  );
begin
  delete from pgq.dependencies as edge
  where edge.child_id = any(v_cancelled || v_free)
    and edge.parent_id = v_parent;
  perform pgq._unblock_children(v_free, now_at);

  if cardinality(v_cancelled) > 0 then
    delete from pgq.blocked
    where job_id = any(v_cancelled);
    perform pgq._end_jobs(
      v_cancelled, 'cancelled', now_at, format('job %s, a parent, did not succeed', v_parent)
    );
  end if;
  moved := cardinality(v_cancelled || v_free);
  done := moved < batch_size and (
    select true from pgq.dependencies as edge
    where edge.parent_id = v_parent and edge.outlasts_failure <= v_all
    order by edge.outlasts_failure, edge.child_id + 0 limit 1
  ) is null;
end
$$;

comment on function pgq._tell_children_of_failure is
  'Remove a parent that did not succeed from its children.';
