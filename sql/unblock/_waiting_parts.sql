/*
 * The parts of a semaphore's waiters that may hold rows, in their order, and the oldest transaction
 * from which a slot may still exist. Usually that is one part, all waiters; with a mark, the parts
 * that its newest mark lists. marked: whether there may be marks at all.
 *
 * Plain SQL without settings, so that it is inlined into the statements that read it.
 */
create or replace function pgq._waiting_parts(key text, marked boolean)
  returns table (priority bigint, waiting_xid xid8, job_id bigint, below bigint, first_xid xid8)
  language sql
  stable
  rows 1
as $$
  select coalesce(mark.priorities[mark.place], -2147483648::bigint),
    coalesce(mark.waiting_xids[mark.place], '0'::xid8),
    coalesce(mark.job_ids[mark.place], 0::bigint),
    coalesce(mark.belows[mark.place], 2147483648::bigint),
    coalesce(mark.first_xid, '0'::xid8)
  from (
    select known.*, pg_catalog.generate_series(
      1, coalesce(pg_catalog.cardinality(known.priorities), 1)
    ) as place
    from (select) as always
    left join lateral (
      select newest.priorities, newest.waiting_xids, newest.job_ids, newest.belows,
        newest.first_xid
      from pgq.key_marks as newest
      where _waiting_parts.marked
        and newest.lane = 'slots'
        and newest.key = _waiting_parts.key
        and newest.server_started_at = pg_catalog.pg_postmaster_start_time()
      order by newest.id desc
      limit 1
    ) as known on true
  ) as mark
$$;

comment on function pgq._waiting_parts is
  'The parts of a semaphore''s waiters that may hold rows, in their order.';
