/*
 * What a job keeps of an error. All functions that store one call this. If the error ended an
 * attempt, _append_errors() adds the attempt's times and its worker.
 *
 * Text from a driver has no NUL in it, so reporting an error cannot fail. Long texts are cut.
 */
create or replace function pgq._error_entry(
  error_type text,
  message text,
  traceback text,
  fingerprint text,
  failed_at timestamptz
)
  returns jsonb
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'type', pgq._cut(coalesce(error_type, 'Error'), 200),
    'message', pgq._cut(coalesce(message, ''), 4000),
    'traceback', pgq._cut(traceback, 20000),
    'fingerprint', pgq._cut(fingerprint, 100),
    'failed_at', failed_at
  );
end
$$;

comment on function pgq._error_entry is 'What a job keeps of an error.';
