/*
 * extension
 *   when: the schema is an extension, and something of ours is no member of it
 *   do: the statement in the hint
 *
 * Health: whether all that is ours is a member of the extension, if there is one.
 */
create or replace function pgq._health_extension()
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  with own as materialized (
    select jobs.relnamespace as namespace, owner.extname, owner.extversion
    from pg_class as jobs
    left join pg_depend as known
      on known.classid = 'pg_class'::regclass
      and known.objid = jobs.oid
      and known.deptype = 'e'
    left join pg_extension as owner on owner.oid = known.refobjid
    where jobs.oid = 'pgq.jobs'::regclass
  ),
  object as (
    select 'pg_proc'::regclass::oid as classid, code.oid as objid, 'function' as kind,
      format('%I(%s)', code.proname, oidvectortypes(code.proargtypes)) as name
    from own
    join pg_proc as code on code.pronamespace = own.namespace
    where own.extname is not null
    union all
    select 'pg_class'::regclass, relation.oid,
      case relation.relkind when 'v' then 'view' when 'S' then 'sequence' else 'table' end,
      quote_ident(relation.relname)
    from own
    join pg_class as relation on relation.relnamespace = own.namespace
    where own.extname is not null
      and relation.relkind in ('r', 'p', 'v', 'S')
  ),
  stray as (
    select object.kind, object.name
    from object
    join pgq.installed_objects as made on made.kind = object.kind and made.name = object.name
    where not exists (
      select
      from pg_depend as known
      where known.classid = object.classid
        and known.objid = object.objid
        and known.deptype = 'e'
    )
  )
  select 'extension', pgq._status_above(count(stray.name), 0, 0),
    count(stray.name)::double precision,
    case
      when own.extname is null then 'the schema is a plain install'
      when count(stray.name) = 0
      then format('extension %s %s has all of it', own.extname, own.extversion)
      else 'no member: ' || pgq._list_briefly(array_agg(stray.name order by stray.name))
    end,
    'As the owner of the schema: ' || min(
      'alter extension ' || own.extname || ' add ' || stray.kind || ' pgq.' || stray.name || ';'
    ),
    'A dump cannot be restored: it makes what the extension has made.'
  from own
  left join stray on true
  group by own.extname, own.extversion
$$;

comment on function pgq._health_extension is
  'Health: whether the extension, if it is one, has all members.';
