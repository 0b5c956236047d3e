/*
 * The parts of a semaphore's waiters that may hold rows, in their order. Usually that is one part,
 * all waiters; with a mark, the parts that its newest mark lists.
 *
 * Plain SQL without settings, so that it is inlined into the statements that read it.
 */
create or replace function pgq._waiting_parts(key text)
  returns table (priority bigint, waiting_xid xid8, job_id bigint, below bigint)
  language sql
  stable
  rows 1
as $$
  select part.priority, part.waiting_xid, part.job_id, part.below
  from (select) as always
  left join lateral (
    select known.priorities, known.waiting_xids, known.job_ids, known.belows
    from pgq.key_marks as known
    where known.lane = 'slots'
      and known.key = _waiting_parts.key
      and known.server_started_at = pg_catalog.pg_postmaster_start_time()
    order by known.id desc
    limit 1
  ) as mark on true
  cross join lateral rows from (
    pg_catalog.unnest(coalesce(mark.priorities, '{-2147483648}'::bigint[])),
    pg_catalog.unnest(coalesce(mark.waiting_xids, '{0}'::xid8[])),
    pg_catalog.unnest(coalesce(mark.job_ids, '{0}'::bigint[])),
    pg_catalog.unnest(coalesce(mark.belows, '{2147483648}'::bigint[]))
  ) as part (priority, waiting_xid, job_id, below)
$$;

comment on function pgq._waiting_parts is
  'The parts of a semaphore''s waiters that may hold rows, in their order.';
