/*
 * Find the next stat_deltas that a fold may take: up to most rows of late transactions, and up to
 * most of the others. _take_deltas() says which are late.
 */
create or replace function pgq._deltas_to_take(most bigint, next_xid xid8, late_xids xid8[])
  returns table (place tid, xid xid8, id bigint, jobs bigint, is_late boolean)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  (
    select ctid, delta.xid, delta.id, delta.jobs, true
    from pgq.stat_deltas as delta
    where delta.xid = any(late_xids)
      and delta.xid < next_xid
    order by delta.xid, delta.id
    limit most
  )
  union all
  (
    select ctid, delta.xid, delta.id, delta.jobs, false
    from pgq.stat_deltas as delta
    where delta.xid >= next_xid
    order by delta.xid, delta.id
    limit most
  );
end
$$;

comment on function pgq._deltas_to_take is 'Find the next stat_deltas that a fold may take.';
