/*
 * Store a job with a unique_key, or apply on_conflict to the live job that owns the key.
 *
 * A waiting owner is changed while its lane row is locked. A running owner is not changed, because
 * its handler already has its arguments. An owner that has ended while its window is open is not
 * changed either; merge then raises JQ003, because its args would be lost. If the owner loses the
 * key meanwhile, the next round inserts.
 */
create or replace function pgq._upsert_keyed_job(
  new_job pgq.jobs,
  on_conflict text,
  unique_while text,
  unique_for interval,
  max_wait interval,
  now_at timestamptz
)
  returns table (id bigint, created boolean)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  loop
    select found.id, found.created
    into id, created
    from pgq._insert_or_find_owner(
      new_job, on_conflict, unique_while, unique_for, now_at
    ) as found;

    exit when created or coalesce(on_conflict, 'return') not in ('replace', 'bump', 'merge');
    if id = any(pgq._remove_from_lane(array[id])) then
      perform pgq._replace_or_bump_job(id, new_job, on_conflict, unique_while, max_wait, now_at);
      perform pgq._place_in_lane(array[id], now_at);
      exit;
    end if;
    if pgq._still_owns_key(id, new_job.unique_key, now_at) then
      perform pgq._owner_or_error(
        id, new_job.unique_key, case when on_conflict = 'merge' then 'raise' end
      );
      exit;
    end if;
  end loop;
  return next;
end
$$;

comment on function pgq._upsert_keyed_job is
  'Store a job with a unique_key, or apply on_conflict to its owner.';
