/*
 * Store a job with a unique_key, or do with the live job that owns the key what on_conflict says.
 *
 * A waiting owner is changed while its lane row is held; a running one is left as it is, since its
 * handler already has its arguments, and so is one that has ended within its window. When the owner
 * lets go of the key meanwhile, the next round inserts.
 */
create or replace function pgq._upsert_keyed_job(
  new_job pgq.jobs,
  on_conflict text,
  unique_while text,
  unique_for interval,
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

    exit when created or coalesce(on_conflict, 'return') not in ('replace', 'bump');
    if id = any(pgq._remove_from_lane(array[id])) then
      perform pgq._replace_or_bump_job(id, new_job, on_conflict, unique_while);
      perform pgq._place_in_lane(array[id], now_at);
      exit;
    end if;
    exit when pgq._still_owns_key(id, new_job.unique_key, now_at);
  end loop;
  return next;
end
$$;

comment on function pgq._upsert_keyed_job is
  'Store a job with a unique_key, or do with its owner what on_conflict says.';
