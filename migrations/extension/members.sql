/*
 * Make members of the extension of what was installed and is none: after an adoption all of it,
 * after an install at most the schema, which may have been there. What somebody added stays
 * theirs, because a dump leaves out the members.
 */
do $$
declare
  v_quotes constant text := current_setting('quote_all_identifiers');
  v_object record;
begin
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  perform set_config('quote_all_identifiers', 'off', true);
  for v_object in
    select named.type, named.identity
    from (
      select 'pg_namespace'::regclass::oid, oid, 'schema', nspname::text
      from pg_namespace
      where nspname = 'pgq'
      union all
      select 'pg_class'::regclass, oid,
        case relkind when 'v' then 'view' when 'S' then 'sequence' else 'table' end,
        quote_ident(relname)
      from pg_class
      where relnamespace = 'pgq'::regnamespace
        and relkind in ('r', 'p', 'v', 'S')
      union all
      select 'pg_type'::regclass, type.oid, 'type', quote_ident(relname)
      from pg_class
      join pg_type as type on type.typrelid = pg_class.oid
      where relnamespace = 'pgq'::regnamespace
        and relkind = 'c'
      union all
      select 'pg_proc'::regclass, oid, 'function',
        format('%I(%s)', proname, oidvectortypes(proargtypes))
      from pg_proc
      where pronamespace = 'pgq'::regnamespace
    ) as found (classid, objid, kind, name)
    cross join lateral pg_identify_object(found.classid, found.objid, 0) as named
    where (
        (found.kind, found.name) in (('schema', 'pgq'), ('function', '_now()'))
        or exists (
          select
          from pgq.installed_objects as made
          where made.kind = found.kind and made.name = found.name
        )
      )
      and not exists (
        select
        from pg_depend as known
        where known.classid = found.classid
          and known.objid = found.objid
          and known.deptype = 'e'
      )
    order by found.classid, found.objid
  loop
    execute format('alter extension pgq_sql add %s %s', v_object.type, v_object.identity);
  end loop;
  perform set_config('quote_all_identifiers', v_quotes, true);
end
$$;
