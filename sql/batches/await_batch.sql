/*
 * Ask for a notification on the channel pgq_ended, its payload "batch " and the id, when a batch
 * finishes within the timeout; answer whether it is still to finish, as far as this call sees.
 *
 * A hint, as with await_jobs(): listen, call this in a transaction of its own, then look at
 * batch_progress() now and again.
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
