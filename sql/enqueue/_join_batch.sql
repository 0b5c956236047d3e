/*
 * Raise unless jobs may be added to a batch, and keep the batch from finishing until this
 * transaction has ended. Never waits: while another transaction is finishing the batch, it counts
 * as finished. That other transaction has found no live job of the batch, so this never refuses a
 * running job of the batch that adds another.
 */
create or replace function pgq._join_batch(batch_id bigint, place text default '')
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  if not pg_try_advisory_xact_lock_shared(pgq._batch_lock_key(_join_batch.batch_id, 'join')) then
    perform pgq._raise_invalid_job(
      array[
        format('batch %s is just being finished', _join_batch.batch_id),
        'None of its jobs is left to run. Make another with create_batch(), or try again.'
      ],
      place
    );
  end if;
  if current_setting('transaction_isolation') <> 'read committed' then
    -- The snapshot may be older than the end of the batch, which this finds out (40001).
    perform from pgq.batches where id = _join_batch.batch_id for share;
  end if;
  if not exists (
    select
    from pgq.batches
    where id = _join_batch.batch_id
      and finished_at is null
  ) then
    perform pgq._raise_invalid_job(
      array[
        format('batch %s has finished or does not exist', _join_batch.batch_id),
        'Make one with create_batch(), and add jobs while it is open or one of its jobs lives.'
      ],
      place
    );
  end if;
end
$$;

comment on function pgq._join_batch is 'Raise unless jobs may be added to a batch.';
