/*
 * What tells an error from others, the same for every time it happens: its type, the pattern of its
 * message and where it arose. Not its task: one cause may fail several.
 *
 * The bytes are those of the database's own encoding, since a conversion may fail, and reporting an
 * error may not. So texts beyond ASCII have another fingerprint in a database of another encoding.
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
  'What tells an error from others, the same for every time it happens.';
