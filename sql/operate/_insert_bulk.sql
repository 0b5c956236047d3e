create or replace function pgq._insert_bulk(operation pgq.bulk_operations)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_id bigint;
begin
  insert into pgq.bulk_operations (
    action, states, highest_id, queue, task, unique_key, concurrency_key, partition_key, batch_id,
    created_before, finished_before, headers, error_type, fingerprint, priority, run_at, spread,
    actor, created_at, starts_at, due_at, jobs, is_exact, first_id
  )
  select operation.action, operation.states, operation.highest_id, operation.queue, operation.task,
    operation.unique_key, operation.concurrency_key, operation.partition_key, operation.batch_id,
    operation.created_before, operation.finished_before, operation.headers, operation.error_type,
    operation.fingerprint, operation.priority, operation.run_at, operation.spread, pgq._actor(),
    operation.created_at, operation.starts_at, operation.starts_at, operation.jobs,
    operation.is_exact, operation.first_id
  returning id into v_id;
  return v_id;
end
$$;

comment on function pgq._insert_bulk is 'Store a new bulk operation; answers its id.';
