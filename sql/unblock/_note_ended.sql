/*
 * Write notes about jobs that have ended, for others: their slots are free, their children may go
 * on, their batches may finish. It also notifies clients that wait for them. Promotion handles the
 * notes, in bounded batches.
 *
 * Call this after the jobs were deleted from jobs, in a separate statement. A promotion that had
 * locked the parent before has then committed, so its children are visible here. A transaction with
 * one snapshot for all its statements does not see them, and writes a note for every job.
 *
 * Jobs in the orders but_in_order keep their slots.
 */
create or replace function pgq._note_ended(
  ids bigint[],
  succeeded boolean,
  batch_ids bigint[],
  but_in_order text[] default '{}'
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
  v_sees_all constant boolean := current_setting('transaction_isolation') = 'read committed';
  v_parents constant bigint[] := case when v_sees_all then pgq._with_children(ids) else ids end;
begin
  perform pgq._release_slots(ids, but_in_order);
  if not succeeded then  -- what succeeded was claimed: it had no parents and no marker left
    delete from pgq.queued_keys
    where job_id = any(ids);
    delete from pgq.dependencies
    where child_id = any(ids);
  end if;
  if cardinality(v_parents) > 0 then
    insert into pgq.releases (parent_id, parent_succeeded)
    select ended, succeeded
    from unnest(v_parents) as ended;
  end if;
  if batch_ids is not null then
    insert into pgq.releases (batch_id)
    select distinct unnest(batch_ids);
  end if;
  if (select true from pgq.awaited where job_id = any(ids) limit 1) then
    perform pgq._notify_awaiting(ids);
  end if;
end
$$;

comment on function pgq._note_ended is 'Write notes about ended jobs for promotion.';
