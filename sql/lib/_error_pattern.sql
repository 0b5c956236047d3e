/*
 * The first line of an error's message, up to 200 characters. Marks stand for what differs from
 * one time to the next: quoted texts, addresses, paths, ids and numbers.
 *
 * The text is cut before it is searched, and no expression looks back, so a hostile message costs
 * no more than a long one. It compares bytes ("C"), so the answer is the same under every
 * collation.
 */
create or replace function pgq._error_pattern(message text)
  returns text
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_line text collate "C" := left(
    (regexp_match(left(message, 1000) collate "C", E'[^\n\r]*[^ \t\n\r][^\n\r]*'))[1], 400
  );
begin
  -- An apostrophe inside a word opens no quotation; an open quotation ends with the line.
  v_line := regexp_replace(
    v_line, E'(^|[^0-9A-Za-z])("[^"]*("|$)|''[^'']*(''|$)|`[^`]*(`|$))', E'\\1<text>', 'g'
  );
  v_line := regexp_replace(v_line, E'[A-Za-z][0-9A-Za-z+.-]*://[^ \t<>()]+', '<url>', 'g');
  v_line := regexp_replace(v_line, '[0-9A-Za-z._%+-]+@[0-9A-Za-z.-]+', '<email>', 'g');
  v_line := regexp_replace(
    v_line,
    E'(^|[^0-9A-Za-z_<>/\\\\.~-])(~?[.]{0,2}/|[A-Za-z]:[/\\\\]|\\\\\\\\)[^] \t<>|:;,(){}[]+',
    E'\\1<path>', 'g'
  );
  v_line := regexp_replace(
    v_line, '[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}', '<id>',
    'g'
  );
  -- First hex, long words with digits, and IPv6; then numbers, with the signs that join a date's.
  if v_line ~ '[0-9A-Fa-f:]{6}|0[xX]|[0-9A-Za-z_]{16}' then
    v_line := regexp_replace(
      v_line,
      E'\\m([0-9A-Fa-f]{8,}|0[xX][0-9A-Fa-f]+|(?=[A-Za-z_]*[0-9])[0-9A-Za-z_]{16,})\\M'
        || E'|\\m[0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{0,4}){3,7}',
      '<n>', 'g'
    );
  end if;
  v_line := regexp_replace(v_line, '[+-]?[0-9]+([-+.,:/][0-9]+)*', '<n>', 'g');
  return coalesce(left(v_line, 200), '');
end
$$;

comment on function pgq._error_pattern is
  'The first line of a message, with marks in place of what differs from one time to the next.';
