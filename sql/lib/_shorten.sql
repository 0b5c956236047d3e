/*
 * What a caller gave, as an error shows it: at most room characters of it. Whatever the size of a
 * wrong value, its error fits on a screen and in a log. Every error that repeats what was given
 * takes it from here.
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

comment on function pgq._shorten is 'What a caller gave, as an error shows it: not too much of it.';
