/*
 * Notify the clients that wait for a batch that is finishing.
 */
create or replace function pgq._notify_awaiting_batch(batch_id bigint)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  delete from pgq.awaited_batches
  where ctid = any(array(
    select ctid
    from pgq.awaited_batches as asked
    where asked.batch_id = _notify_awaiting_batch.batch_id
    for update skip locked
  ));
  if found and (select notify from pgq.settings) then
    perform pg_notify('pgq_ended', format('batch %s', _notify_awaiting_batch.batch_id));
  end if;
end
$$;

comment on function pgq._notify_awaiting_batch is 'Notify those who wait for a batch.';
