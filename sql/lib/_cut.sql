/*
 * The first characters of a text, at most so many. In SQL_ASCII characters are bytes: there none of
 * a client's characters is cut in half, which no client could read, and no table would take.
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

comment on function pgq._cut is 'The first characters of a text, at most so many.';
