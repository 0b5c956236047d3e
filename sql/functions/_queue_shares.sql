/*
 * How many of the best batch_size ready jobs of several queues each of them holds. Locks nothing:
 * the answer tells a claim how far to walk each queue, the walk itself decides.
 */
create or replace function pgq._queue_shares(
  queues text[],
  batch_size bigint,
  tasks text[],
  now_at timestamptz
)
  returns table (queue text, share bigint)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  with best as (
    select head.queue
    from unnest(queues) as wanted (name)
    cross join lateral pgq._ready_ranges(wanted.name) as range
    cross join lateral (
      select ready.queue, ready.priority, ready.ready_xid, ready.job_id
      from pgq.ready
      where ready.queue = wanted.name
        and (ready.priority, ready.ready_xid, ready.job_id)
          >= (range.priority, range.ready_xid, range.job_id)
        and ready.priority < range.below
        and (tasks is null or ready.task = any(tasks))
        and (ready.expires_at is null or ready.expires_at > now_at)
      order by ready.priority, ready.ready_xid, ready.job_id
      limit batch_size
    ) as head
    order by head.priority, head.ready_xid, head.job_id
    limit batch_size
  )
  select best.queue, count(*)
  from best
  group by best.queue;
end
$$;

comment on function pgq._queue_shares is
  'How many of the best batch_size ready jobs of several queues each of them holds.';
