/*
 * Raise that a task or a queue is unknown, and say which known one may be meant.
 */
create or replace function pgq._raise_unknown(what text, name text, near text)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception '% % is unknown', what, pgq._shorten(name)
    using errcode = 'JQ010',
          detail = format('The setting strict_%ss refuses unknown names.', what),
          hint = case when near is not null then format('Did you mean %s? ', near) else '' end
            || format('configure_%s() makes a new one known.', what);
end
$$;

comment on function pgq._raise_unknown is 'Raise that a task or a queue is unknown.';
