/*
 * What is the same every time one error happens, and tells it from others: its type, the pattern
 * of its message, and where it arose. The task is no part of it, because one cause may fail
 * several tasks.
 *
 * It takes the bytes in the database's own encoding, because a conversion may fail, and reporting
 * an error must not. So texts beyond ASCII have other fingerprints in databases of another
 * encoding.
 */
create or replace function pgq._error_fingerprint(error_type text, message text, traceback text)
  returns text
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return encode(
    substr(
      sha256(convert_to(
        concat_ws(
          E'\n', pgq._cut(coalesce(error_type, 'Error'), 200), pgq._error_pattern(message),
          pgq._own_frame(traceback)
        ),
        getdatabaseencoding()
      )),
      1, 8
    ),
    'hex'
  );
end
$$;

comment on function pgq._error_fingerprint is
  'What tells an error from others, and is the same every time it happens.';
