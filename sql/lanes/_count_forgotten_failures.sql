/*
 * Count jobs that did not succeed, and now leave the history, for their batches: one for each time
 * that a batch is named. Those that have finished have said how.
 *
 * Holds the rows of the batches until the commit, in the order of their ids; who would finish one
 * meanwhile leaves it to others.
 */
create or replace function pgq._count_forgotten_failures(batch_ids bigint[])
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
begin
  if batch_ids is null then
    return;
  end if;
  perform from pgq.batches where id = any(batch_ids) order by id for update;
  update pgq.batches as batch
  set forgotten = batch.forgotten + (
    select count(*) from unnest(batch_ids) as forgotten where forgotten = batch.id
  )
  where batch.id = any(batch_ids)
    and batch.finished_at is null;
end
$$;

comment on function pgq._count_forgotten_failures is
  'Count jobs that did not succeed, and now leave the history, for their batches.';
