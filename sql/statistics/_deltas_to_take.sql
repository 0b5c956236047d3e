/*
 * Where the next stat_deltas stand that a fold may take, most of late transactions and most of the
 * others: see _take_deltas().
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

comment on function pgq._deltas_to_take is 'Where the next stat_deltas stand that a fold may take.';
