/*
 * Who acts, as the application says in the setting pgq.actor of its session or transaction. The
 * setting has this name whatever the schema is called. Null says that nobody is named.
 */
create or replace function pgq._actor()
  returns text
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select nullif(btrim(left(regexp_replace(
    current_setting(concat('pgq', '.actor'), true) collate "C",
    -- In SQL_ASCII a byte above those of ASCII may be anything.
    case when getdatabaseencoding() = 'SQL_ASCII' then '[^ -~]' else '[[:cntrl:]]' end,
    ' ', 'g'
  ), 200)), '') collate "default"
$$;

comment on function pgq._actor is 'Who acts, as the application says.';
