create or replace function pgq._find_fitting_jobs(
  operation pgq.bulk_operations,
  live boolean,
  past boolean,
  up_to bigint,
  most bigint
)
  returns bigint[]
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_found bigint[] := '{}';
begin
  if live then
    v_found := pgq._find_live_jobs(
      operation.queue, operation.task, operation.states, operation.unique_key,
      operation.concurrency_key, operation.partition_key, operation.batch_id,
      operation.created_before, operation.headers, operation.error_type, most, operation.last_id,
      operation.fingerprint, up_to
    );
  end if;
  if past then
    v_found := v_found || pgq._find_finished_jobs(
      operation.queue, operation.task, operation.states, operation.unique_key,
      operation.concurrency_key, operation.partition_key, operation.batch_id,
      operation.created_before, operation.headers, operation.error_type, most, operation.last_id,
      coalesce(operation.finished_before, operation.created_at + interval '1 microsecond'),
      operation.fingerprint, up_to
    );
  end if;
  return array(select distinct found from unnest(v_found) as found order by found limit most);
end
$$;

comment on function pgq._find_fitting_jobs is
  'The jobs that fit a bulk operation, after the last it came to and up to an id.';
