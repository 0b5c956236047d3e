/*
 * Those of these jobs, which have just succeeded, of which somebody needs the row in the history: a
 * job depends on them, or somebody waits for them by await_jobs().
 *
 * Call this after they were deleted, and not before, because the settle may have waited for them
 * until then. Promotion locks live parents, so this sees each child that promotion found waiting
 * for one of them. In a transaction with one snapshot for all its statements it might not, so there
 * all of them are needed.
 */
create or replace function pgq._need_row(ids bigint[])
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_any_awaited constant boolean := pg_relation_size('pgq.awaited'::regclass) > 0;
  v_any_parents constant boolean := pg_relation_size('pgq.dependencies'::regclass) > 0;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    return ids;
  elsif not v_any_awaited and not v_any_parents then
    return '{}';
  end if;
  return array(
    select ended
    from unnest(ids) as ended
    where v_any_awaited
      and (select true from pgq.awaited as asked where asked.job_id = ended limit 1)
      or v_any_parents
      and (
        select true from pgq.dependencies where parent_id = ended
        order by outlasts_failure, child_id + 0 limit 1
      )
  );
end
$$;

comment on function pgq._need_row is
  'Those of these jobs, which have just succeeded, of which somebody needs the row in the history.';
