/*
 * Read new blocked jobs, and find the parents that had ended before the child was stored. Answers
 * how many jobs it read; null: there are none, from first_id on.
 *
 * If another transaction is ending a parent, the child is left for the next call. An unknown
 * parent, pruned or discarded, counts as succeeded.
 *
 * It locks the parents. A job may have 10,000 of them, so it stops when it has locked 10,000.
 *
 * If a transaction that ends a parent stays open, its children may fill the start of the lane. Then
 * this searches once more, from a random place after them. It orders by a sum because only the
 * index of new jobs has that order; the primary key also holds jobs that are not new.
 */
create or replace function pgq._check_new_blocked(
  batch_size bigint,
  first_id bigint,
  may_jump boolean default true
)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_first constant bigint := (
    select job_id from pgq.blocked where is_new and job_id + 0 >= first_id
    order by job_id + 0 limit 1
  );
  v_new bigint[];
  v_found bigint;
  v_looked bigint;
  v_last bigint;
  v_parents bigint[];
  v_ending bigint[];
begin
  if v_first is null then
    return null;
  end if;
  v_new := array(
    select job_id from pgq.blocked
    where is_new and job_id + 0 >= v_first
    order by job_id + 0 limit batch_size
    for update skip locked
  );
  v_found := cardinality(v_new);
  if v_found = 0 then
    return 0;
  end if;
  v_new := pgq._up_to_parents(v_new, 10000);
  v_looked := cardinality(v_new);
  v_last := v_new[v_looked];
  v_parents := pgq._lock_parents_return_others(v_new);
  -- In one statement: a retry may bring a parent back at any time.
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

  v_new := array(
    select unnest(v_new) except
    select child_id from (select * from pgq.dependencies where child_id = any(v_new) offset 0) as e
    where parent_id = any(v_ending)
  );
  update pgq.blocked set is_new = false where job_id = any(v_new);
  perform pgq._move_id_mark('blocked', v_first, pgq._now());
  if may_jump and (v_found = batch_size or v_looked < v_found)
    and 2 * cardinality(v_new) < v_looked
  then
    return cardinality(v_new) + coalesce(
      pgq._check_new_blocked(batch_size, pgq._random_blocked_after(v_last), false), 0
    );
  end if;
  return cardinality(v_new);
end
$$;

comment on function pgq._check_new_blocked is 'Read new blocked jobs, and find ended parents.';
