create or replace function pgq._bulk_filters(operation pgq.bulk_operations)
  returns jsonb
  language sql
  stable
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'queue', operation.queue, 'task', operation.task, 'unique_key', operation.unique_key,
    'concurrency_key', operation.concurrency_key, 'partition_key', operation.partition_key,
    'batch_id', operation.batch_id, 'created_before', operation.created_before,
    'finished_before', operation.finished_before, 'headers', operation.headers,
    'error_type', operation.error_type, 'fingerprint', operation.fingerprint
  ))
$$;

comment on function pgq._bulk_filters is 'The filters of a bulk operation that are not null.';
