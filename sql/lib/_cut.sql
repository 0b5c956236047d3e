/*
 * The first characters of a text, up to a number. In SQL_ASCII characters are bytes. There this
 * does not cut a client's character in half: no client could read that, and no table would take it.
 */
create or replace function pgq._cut(given text, most integer)
  returns text
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_length integer := most;
begin
  if octet_length(given) <= most then
    return given;
  end if;
  if getdatabaseencoding() = 'SQL_ASCII' then
    while v_length > most - 4 and ascii(substr(given, v_length + 1, 1)) between 128 and 191 loop
      v_length := v_length - 1;
    end loop;
  end if;
  return left(given, v_length);
end
$$;

comment on function pgq._cut is 'The first characters of a text, up to a number.';
