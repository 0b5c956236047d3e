/*
 * Stop a bulk operation. The answer is one of these: undone, if it had not begun and changed
 * nothing; stopped, and bulk_status() shows what became of the jobs of its pages; finished, if it
 * is too late; not_found. If a page is being done, this call waits for its end.
 */
create or replace function pgq.bulk_stop(operation_id bigint)
  returns text
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_operation pgq.bulk_operations;
begin
  select * into v_operation from pgq.bulk_operations where id = operation_id for update;
  if v_operation.id is not null and v_operation.ended_at is null then
    update pgq.bulk_operations
    set due_at = null,
        ended_at = pgq._now(),
        ending = case when begun_at is null then 'undone' else 'stopped' end
    where id = operation_id
    returning ending into v_operation.ending;
    perform pgq._audit_call(
      'bulk_stop', v_operation.action, outcomes => v_operation.outcomes,
      operation_id => operation_id
    );
  end if;
  return case
    when v_operation.id is null then 'not_found'
    when v_operation.ending = 'failed' then 'stopped'
    else v_operation.ending
  end;
end
$$;

comment on function pgq.bulk_stop is
  'Stop a bulk operation, or undo one that has not begun: undone, stopped, finished or not_found.';
