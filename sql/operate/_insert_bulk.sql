create or replace function pgq._insert_bulk(operation pgq.bulk_operations)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_id bigint;
begin
  insert into pgq.bulk_operations (
    action, wanted, highest_id, priority, run_at, spread, actor, created_at, starts_at, due_at,
    jobs, is_exact, first_id
  )
  select operation.action, operation.wanted, operation.highest_id, operation.priority,
    operation.run_at, operation.spread, pgq._actor(), operation.created_at, operation.starts_at,
    operation.starts_at, operation.jobs, operation.is_exact, operation.first_id
  returning id into v_id;
  return v_id;
end
$$;

comment on function pgq._insert_bulk is 'Store a new bulk operation; answers its id.';
