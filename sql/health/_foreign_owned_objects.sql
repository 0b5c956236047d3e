/*
 * The objects of the schema that belong to another role than most of its objects, with the
 * statement that gives each to the owner of most.
 */
create or replace function pgq._foreign_owned_objects()
  returns table (object text, owner text, cure text)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  with own as materialized (
    select jobs.relnamespace as oid from pg_class as jobs where jobs.oid = 'pgq.jobs'::regclass
  ),
  owned as materialized (
    select format('routine pgq.%I(%s)', code.proname, oidvectortypes(code.proargtypes)) as object,
      code.proowner as owner
    from pg_proc as code
    where code.pronamespace = (select oid from own)
    union all
    select format('%s pgq.%I',
        case relation.relkind when 'v' then 'view' when 'c' then 'type' else 'table' end,
        relation.relname),
      relation.relowner
    from pg_class as relation
    where relation.relnamespace = (select oid from own)
      and relation.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
    union all
    select 'schema ' || space.oid::regnamespace::text, space.nspowner
    from pg_namespace as space
    where space.oid = (select oid from own)
  ),
  usual as (select mode() within group (order by owner) as owner from owned)
  select owned.object, pg_get_userbyid(owned.owner),
    format('alter %s owner to %I;', owned.object, pg_get_userbyid(usual.owner))
  from owned
  cross join usual
  where owned.owner <> usual.owner
$$;

comment on function pgq._foreign_owned_objects is
  'The objects of the schema that belong to another role than most of it.';
