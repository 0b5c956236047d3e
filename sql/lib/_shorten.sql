/*
 * A caller's value as an error shows it: at most room characters of it. So the error fits on a
 * screen and in a log, however large the value is. Every error that repeats a caller's value uses
 * this.
 */
create or replace function pgq._shorten(given text, room integer default 100)
  returns text
  language sql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
  select case
    when given is null then 'null'
    when length(given) > room then left(given, room) || ' ...'
    else given
  end
$$;

comment on function pgq._shorten is 'A caller''s value as an error shows it, not too much of it.';
