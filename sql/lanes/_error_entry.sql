/*
 * What a job keeps of an error: all its writers take it from here. One that ended an attempt also
 * has the attempt's times and worker, see _append_errors().
 *
 * Text from a driver holds no NUL, so that reporting an error cannot fail; what is long is cut.
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
