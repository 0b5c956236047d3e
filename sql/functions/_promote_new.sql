/*
 * Look at blocked jobs that are new: note the parents that have ended before the child was there,
 * and the semaphores that it waits for. Answers how many it looked at.
 *
 * Live parents are locked for share, so that their end, which deletes them, comes before this or
 * sees the child afterwards. For key share would wait, in spite of skip locked, for one that a
 * failing attempt has updated and then deleted. One whose end is under way is left for the next
 * time, with the child. An unknown parent, pruned or discarded, counts as succeeded.
 */
create or replace function pgq._promote_new(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_new bigint[] := array(
    select job_id
    from pgq.blocked
    where is_new
    order by job_id
    limit batch_size
    for update skip locked
  );
  v_parents bigint[];
  v_ending bigint[];
begin
  if cardinality(v_new) = 0 then
    return 0;
  end if;
  v_parents := array(
    select distinct parent_id from pgq.dependencies where child_id = any(v_new)
    except
    select *
    from (
      select id from pgq.jobs where id = any(array(
        select parent_id from pgq.dependencies where child_id = any(v_new)
      ))
      order by id
      for share skip locked
    ) as held
  );

  -- In one look: a retry may bring a parent back at any time.
  with seen as materialized (
    select parent,
      (select true from pgq.jobs as live where live.id = parent) as is_live,
      (select state from pgq.job_history as past where past.id = parent limit 1) as state
    from unnest(v_parents) as parent
  ),
  noted as (
    insert into pgq.releases (parent_id, parent_succeeded)
    select parent, coalesce(state = 'succeeded', true)
    from seen
    where is_live is null
  )
  select array_agg(parent) into v_ending from seen where is_live;

  insert into pgq.releases (concurrency_key)
  select distinct concurrency_key
  from pgq.blocked
  where job_id = any(v_new)
    and not has_parents;

  v_new := array(
    select unnest(v_new)
    except
    select child_id from pgq.dependencies where parent_id = any(v_ending)
  );
  update pgq.blocked
  set is_new = false
  where job_id = any(v_new);
  return cardinality(v_new);
end
$$;

comment on function pgq._promote_new is 'Look at blocked jobs that are new.';
