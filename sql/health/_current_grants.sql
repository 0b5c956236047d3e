/*
 * What roles other than the owner may do with the schema, its functions, tables, views and
 * sequences, and with single columns.
 */
create or replace function pgq._current_grants(namespace oid)
  returns table (words text)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select format('%s%s on %s to %s', lower(given.privilege_type), what.part, what.object, case
    when given.grantee = 0 then 'public'
    else coalesce(given.grantee::regrole::text, given.grantee::text)
  end)
  from (
    select 'schema ' || space.oid::regnamespace::text, '', space.nspowner, space.nspacl
    from pg_namespace as space
    where space.oid = namespace
    union all
    select format('%s pgq.%I(%s)',
        case code.prokind when 'p' then 'procedure' else 'function' end, code.proname,
        oidvectortypes(code.proargtypes)),
      '', code.proowner, coalesce(code.proacl, acldefault('f', code.proowner))
    from pg_proc as code
    where code.pronamespace = namespace
    union all
    select format('%s pgq.%I', case relation.relkind when 'S' then 'sequence' else 'table' end,
        relation.relname),
      '', relation.relowner, relation.relacl
    from pg_class as relation
    where relation.relnamespace = namespace
      and relation.relkind not in ('i', 'I', 't', 'c')
    union all
    select format('table pgq.%I', relation.relname), format(' (%I)', part.attname),
      relation.relowner, part.attacl
    from pg_class as relation
    join pg_attribute as part on part.attrelid = relation.oid
    where relation.relnamespace = namespace
      and part.attacl is not null
  ) as what (object, part, owner, rights)
  cross join lateral aclexplode(what.rights) as given
  where given.grantee <> what.owner
$$;

comment on function pgq._current_grants is
  'What roles other than the owner may do with the schema and what is in it.';
