/*
 * Unblock what waits for jobs that have just succeeded: give their slots to the next waiters,
 * release their children, finish their batches, and notify clients that wait for them. It moves
 * about as many jobs as have ended, and writes notes for the rest, which promotion handles.
 * holders: the jobs that have a semaphore.
 *
 * Call this after the jobs were deleted from jobs, in a separate statement: see _note_ended(). In a
 * transaction with one snapshot for all its statements it only writes notes.
 */
create or replace function pgq._after_success(
  ids bigint[],
  holders bigint[],
  batch_ids bigint[],
  now_at timestamptz
)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_last_note bigint;
  v_size constant bigint := greatest(100, cardinality(ids));
  v_keys text[] := '{}';
  v_parents bigint[] := '{}';
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform pgq._note_ended(ids, true, batch_ids);
    return;
  end if;
  -- A table without a page costs nothing; other tables are searched only for these jobs.
  if pg_relation_size('pgq.awaited'::regclass) > 0
    and (select true from pgq.awaited where job_id = any(ids) limit 1)
  then
    perform pgq._notify_awaiting(ids);
  end if;
  if cardinality(holders) > 0 then
    v_keys := pgq._delete_slots(holders);
  end if;
  if pg_relation_size('pgq.dependencies'::regclass) > 0
    and (
      select true from pgq.dependencies where parent_id = any(ids)
      order by parent_id, outlasts_failure, child_id + 0 limit 1
    )
  then
    v_parents := pgq._with_children(ids);
  end if;
  if batch_ids is null and cardinality(v_keys) + cardinality(v_parents) = 0 then
    return;
  end if;

  v_last_note := coalesce((select last_value from pgq.releases_id_seq where is_called), 0);
  if cardinality(v_keys) > 0 then
    v_keys := (pgq._promote_waiters(v_keys, v_size, now_at)).keys_left;
  end if;
  if cardinality(v_parents) > 0 then
    v_parents := (pgq._release_children(v_parents, v_size, now_at)).parents_left;
  end if;
  if batch_ids is not null then
    insert into pgq.releases (batch_id)
    select distinct unnest(batch_ids);
  end if;
  if (select last_value from pgq.releases_id_seq where is_called) > v_last_note then
    perform pgq._work_off_releases(v_size, now_at, v_last_note);
  end if;

  if cardinality(v_keys) + cardinality(v_parents) > 0 then
    insert into pgq.releases (parent_id, parent_succeeded, concurrency_key)
    select parent, true, null from unnest(v_parents) as parent
    union all
    select null, null, key from unnest(v_keys) as key;
  end if;
end
$$;

comment on function pgq._after_success is 'Unblock what waits for jobs that have just succeeded.';
