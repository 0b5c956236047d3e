/*
 * definers
 *   when: the schema is an extension, and functions that run with their owner's rights have those
 *     of a superuser: it was restored without `--role`
 *   do: [restore it for its owner](extension.md#dumps)
 *
 * Health: whose rights our functions have. A plain install, whose dumps bring the owners back, has
 * those of a superuser only if that installed it, so there it is only named.
 */
create or replace function pgq._health_definers()
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  with own as materialized (
    select jobs.relnamespace as namespace, exists (
        select
        from pg_depend as known
        where known.classid = 'pg_class'::regclass
          and known.objid = jobs.oid
          and known.deptype = 'e'
      ) as is_extension
    from pg_class as jobs
    where jobs.oid = 'pgq.jobs'::regclass
  ),
  found as (
    select own.is_extension, count(role.oid) as functions, min(role.rolname) as owner
    from own
    left join pg_proc as code on code.pronamespace = own.namespace and code.prosecdef
    left join pg_roles as role on role.oid = code.proowner and role.rolsuper
    group by own.is_extension
  )
  select 'definers', case when functions > 0 and is_extension then 'fail' else 'ok' end,
    functions::double precision,
    case functions
      when 0 then 'no function runs with the rights of a superuser'
      else format('%s functions run with the rights of %I, a superuser', functions, owner)
    end,
    case
      when functions > 0 and is_extension
      then 'Restore the dump again, with pg_restore --role=OWNER.'
    end,
    'A mistake in one of these functions would give its callers everything.'
  from found
$$;

comment on function pgq._health_definers is 'Health: whose rights the functions have.';
