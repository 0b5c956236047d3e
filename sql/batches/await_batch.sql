/*
 * Ask for a notification when a batch finishes, if it does within the timeout. The channel is
 * pgq_ended, and the payload is "batch " and the id. Answers whether the batch has still to finish,
 * as far as this call sees.
 *
 * The notification is only a hint, as with await_jobs(). So listen, call this in its own
 * transaction, then look at batch_progress() from time to time.
 */
create or replace function pgq.await_batch(batch_id bigint, timeout interval default null)
  returns boolean
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  if not isfinite(await_batch.timeout)
    or not await_batch.timeout between interval '0' and interval '1 day'
  then
    raise exception 'timeout is negative, infinite or over a day'
      using errcode = 'JQ002',
            hint = 'Pass an interval such as 1 minute, and call again when it is over.';
  end if;
  insert into pgq.awaited_batches (batch_id, until_at)
  select batch.id, pgq._add_interval(
    pgq._now(), coalesce(await_batch.timeout, interval '10 minutes')
  )
  from pgq.batches as batch
  where batch.id = await_batch.batch_id
    and batch.finished_at is null;
  return found;
end
$$;

comment on function pgq.await_batch is 'Ask for a notification when a batch finishes.';
