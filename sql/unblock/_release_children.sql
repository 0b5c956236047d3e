/*
 * Take parents that succeeded off the lists of their children, at most batch_size times; children
 * that wait for nobody else go on.
 *
 * moved: how often. parents_left: those with a child left to be told. One that another session
 * holds is passed over, also when it is held as the parent of a new job.
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
  -- One statement: between two, the place of a row that is gone may be another's.
  with gone as (
    delete from pgq.dependencies
    where ctid = any(array(
      select edge.ctid
      from unnest(parents) as ended
      cross join lateral (
        select ctid, child_id from pgq.dependencies where parent_id = ended offset 0
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
  'Take parents that succeeded off the lists of their children.';
