/*
 * Add ended jobs that now leave the history to the counters of their batches. The arrays go
 * together by place: batch, state, and how many jobs (null: one). This also counts for a finished
 * batch, so that its numbers stay true; its outcome does not change.
 *
 * Locks the rows of the batches until the commit, in the order of their ids. A session that would
 * finish such a batch meanwhile leaves that to others.
 */
create or replace function pgq._count_forgotten(
  batch_ids bigint[],
  states text[],
  jobs bigint[] default null
)
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
  set forgotten_succeeded = batch.forgotten_succeeded + gone.succeeded,
      forgotten_failed = batch.forgotten_failed + gone.failed,
      forgotten_cancelled = batch.forgotten_cancelled + gone.cancelled,
      forgotten_expired = batch.forgotten_expired + gone.expired
  from (
    select batch_id,
      coalesce(sum(ended) filter (where state = 'succeeded'), 0) as succeeded,
      coalesce(sum(ended) filter (where state = 'failed'), 0) as failed,
      coalesce(sum(ended) filter (where state = 'cancelled'), 0) as cancelled,
      coalesce(sum(ended) filter (where state = 'expired'), 0) as expired
    from (
      select batch_id, state, coalesce(number, 1) as ended
      from unnest(batch_ids, states, jobs) as given (batch_id, state, number)
    ) as each
    group by batch_id
  ) as gone
  where batch.id = gone.batch_id;
end
$$;

comment on function pgq._count_forgotten is
  'Add ended jobs that leave the history to the counters of their batches.';
