/*
 * Whether any rule of the retention lets jobs that succeed leave no row: the index of these rules
 * has more than one page since there was one. complete_batch asks the same.
 */
create or replace function pgq._may_leave_no_row()
  returns boolean
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select pg_relation_size('pgq.retention_keeps_none_idx'::regclass) > 8192
$$;

comment on function pgq._may_leave_no_row is
  'Whether any rule of the retention lets jobs that succeed leave no row.';
