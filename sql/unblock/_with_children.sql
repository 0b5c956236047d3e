/*
 * Those of these jobs that other jobs still depend on.
 *
 * It looks up each job by its id. A scan for any dependency would walk over all deleted rows, while
 * an old snapshot keeps them. The order is that of the index; without it, statistics that know only
 * one parent would choose another index.
 */
create or replace function pgq._with_children(ids bigint[])
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
begin
  return array(
    select parent
    from unnest(ids) as parent
    where (
      select true
      from pgq.dependencies
      where parent_id = parent
      order by outlasts_failure, child_id + 0
      limit 1
    )
  );
end
$$;

comment on function pgq._with_children is 'Those of these jobs that other jobs still depend on.';
