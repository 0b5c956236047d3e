/*
 * Store a job with a unique_key, or find the owner of the key: the job of an open window, or else
 * the live job. With on_conflict => 'raise' it raises JQ003 if there is an owner; with 'discard' it
 * then returns no id. Waits for an uncommitted job with the same key. If the owner ends between two
 * statements, the next round inserts.
 */
create or replace function pgq._insert_or_find_owner(
  new_job pgq.jobs,
  on_conflict text,
  unique_while text,
  unique_for interval,
  now_at timestamptz
)
  returns table (id bigint, created boolean)
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  created := false;
  loop
    id := (
      select taken.job_id
      from pgq.key_windows as taken
      where taken.unique_key = new_job.unique_key
        and taken.until_at > now_at
    );
    exit when id is not null;
    id := pgq._insert_job(new_job, now_at);
    if id is not null then
      created := pgq._set_key_scope(id, new_job.unique_key, unique_while, unique_for, now_at);
      exit when created;
    else
      id := (
        select max(live.id)  -- an old snapshot may show one that has ended too
        from (
          select owner.id from pgq.jobs as owner where unique_key = new_job.unique_key offset 0
        ) as live
      );
      exit when id is not null;
    end if;
  end loop;

  if not created then
    id := pgq._owner_or_error(id, new_job.unique_key, on_conflict);
  end if;
  return next;
end
$$;

comment on function pgq._insert_or_find_owner is
  'Store a job with a unique_key, or find the job that owns the key.';
