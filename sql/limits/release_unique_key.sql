/*
 * Free a unique_key: end its window, and take it from its live job, which goes on without a key.
 * Answers whether a job or a window had it. Use it with care: two jobs may then do the work of one.
 *
 * Waits for a session that is ending that job. A settle of the job waits for the caller's
 * transaction, which should be short.
 */
create or replace function pgq.release_unique_key(unique_key text)
  returns boolean
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_owners bigint[];
  v_had_window boolean;
begin
  -- Its row in queued_keys may be deleted only by the holder of the lane row; it does no harm.
  with freed as (
    update pgq.jobs as job
    set unique_key = null
    where job.unique_key = release_unique_key.unique_key collate "default"
    returning job.id
  )
  select array_agg(id) into v_owners from freed;

  with ended as (
    delete from pgq.key_windows as taken
    where taken.unique_key = release_unique_key.unique_key collate "default"
    returning taken.until_at
  )
  select coalesce(bool_or(until_at > v_now), false) into v_had_window from ended;
  if v_owners is null and not v_had_window then
    return false;
  end if;
  perform pgq._audit_call('release_unique_key', release_unique_key.unique_key, ids => v_owners);
  return true;
end
$$;

comment on function pgq.release_unique_key is
  'Free a unique_key; answers whether a job or a window had it.';
