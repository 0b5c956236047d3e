/*
 * Drop the history of whole days (UTC) that ended longer ago than older_than (default: as long as
 * any job is kept); answer how many partitions that were. Rows of such days in the default
 * partition are deleted too. Children that wait for a retry of such a job end as cancelled. Waits
 * at most 100 ms for a reader of a partition, and raises 55P03 if readers kept it from dropping
 * any. Drops at most thirty partitions and deletes at most 100,000 rows. If rows are left, they
 * count as one more partition: call it again until it returns 0.
 */
create or replace function pgq.prune(older_than interval default null)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_before constant date := pgq._prune_before(prune.older_than);
  v_dropped bigint;
begin
  v_dropped := pgq._prune_history_days(v_before, true);
  if pgq._prune_default_partition(v_before, 100000) = 100000 then
    v_dropped := v_dropped + 1;
  end if;
  perform pgq._audit_call(
    'prune', affected => v_dropped,
    options => jsonb_build_object('older_than', pgq._format_interval(prune.older_than))
  );
  return v_dropped;
end
$$;

comment on function pgq.prune is
  'Drop the history of whole days that ended longer ago; answers how many partitions.';
