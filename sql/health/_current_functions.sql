/*
 * The functions of the schema as they are now: their text, properties and settings. The clock is
 * left out if a test has replaced it.
 */
create or replace function pgq._current_functions(namespace oid)
  returns table (kind text, name text, digest text)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select 'function',
    pgq._normalise_schema_name(
      format('%I(%s)', code.proname, oidvectortypes(code.proargtypes)), space.nspname
    ),
    md5(pgq._normalise_schema_name(concat_ws(
      '|', code.prosrc, code.proconfig, code.prosecdef, code.provolatile, code.proisstrict,
      code.proparallel, code.proretset, code.prokind, code.pronargdefaults, code.proargnames,
      code.proargmodes, language.lanname, format_type(code.prorettype, null),
      (
        select string_agg(format_type(type, null), ',' order by place)
        from unnest(code.proallargtypes) with ordinality as argument (type, place)
      )
    ), space.nspname))
  from pg_proc as code
  join pg_namespace as space on space.oid = code.pronamespace
  join pg_language as language on language.oid = code.prolang
  where code.pronamespace = namespace
    and code.proname <> '_now'
$$;

comment on function pgq._current_functions is 'The functions of the schema as they are now.';
