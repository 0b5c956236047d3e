/*
 * Remove parents that succeeded from their children, at most batch_size times; children without
 * another parent go on.
 *
 * moved: how often. parents_left: parents with children left. It skips a child that another session
 * has locked, also if it is locked as the parent of a new job.
 */
create or replace function pgq._release_children(
  parents bigint[],
  batch_size bigint,
  now_at timestamptz,
  out moved bigint,
  out parents_left bigint[]
)
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_children bigint[];
begin
  -- One statement, because between two the place of a deleted row may be given to another row.
  with gone as (
    delete from pgq.dependencies
    where ctid = any(array(
      select edge.ctid
      from unnest(parents) as ended
      cross join lateral (
        select ctid, child_id from pgq.dependencies where parent_id = ended
        order by outlasts_failure, child_id + 0
        offset 0
      ) as edge
      cross join lateral (
        select from pgq.blocked where job_id = edge.child_id for update skip locked
      ) as lane
      limit batch_size
    ))
    returning child_id
  )
  select count(*), array_agg(distinct child_id) into moved, v_children from gone;

  if moved > 0 then
    perform pgq._unblock_children(v_children, now_at);
  end if;
  parents_left := pgq._with_children(parents);
end
$$;

comment on function pgq._release_children is
  'Remove parents that succeeded from their children.';
