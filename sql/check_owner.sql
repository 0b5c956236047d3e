/*
 * Is the schema, where there is one, safe to put our functions in? A role that owns it, may create
 * in it, or owns something in it, could plant what the installer would run, or a better match than
 * one of ours. Every install and every upgrade begins with this.
 *
 * It also notes what the schema holds, for the rest of the transaction: grants.sql takes from new
 * objects what default privileges gave to others, and leaves alone what an administrator granted
 * on older ones.
 */
-- The script must not call what somebody put into another schema under a name of pg_catalog.
set local search_path = pg_catalog, pg_temp;

do $$
declare
  v_schema constant oid := to_regnamespace('pgq');
  v_found text;
begin
  -- Outside of a transaction the statement above says so in a warning, and sets nothing. The names
  -- are quoted where quote_all_identifiers is on.
  if pg_catalog.replace(pg_catalog.current_setting('search_path'), '"', '')
    operator(pg_catalog.<>) 'pg_catalog, pg_temp'
  then
    raise exception 'this script is not run in one transaction'
      using errcode = 'JQ005',
            hint = 'With psql: psql -X -1 -v ON_ERROR_STOP=1 -f FILE';
  end if;

  if coalesce(current_setting('pgq_install.objects', true), '') = '' then
    perform set_config('pgq_install.objects', array(
      select 'pg_namespace'::regclass::oid || '/' || v_schema
      where v_schema is not null
      union all
      select 'pg_class'::regclass::oid || '/' || oid from pg_class where relnamespace = v_schema
      union all
      select 'pg_proc'::regclass::oid || '/' || oid from pg_proc where pronamespace = v_schema
      union all
      select 'pg_type'::regclass::oid || '/' || oid from pg_type where typnamespace = v_schema
    )::text, true);
  end if;

  select pg_get_userbyid(nspowner)
  into v_found
  from pg_namespace
  where oid = v_schema
    and pg_get_userbyid(nspowner) <> current_user;
  if found then
    raise exception 'schema pgq belongs to %', v_found
      using errcode = 'JQ005',
            hint = 'Let its owner do this (SET ROLE will do), or use another name: '
              'pgq migrate --schema NAME.';
  end if;

  -- Superusers may do anything anyway.
  select string_agg(coalesce(quote_ident(rolname), 'public'), ', ' order by rolname)
  into v_found
  from pg_namespace
  cross join aclexplode(nspacl) as entry
  left join pg_roles as grantee on grantee.oid = entry.grantee
  where pg_namespace.oid = v_schema
    and entry.privilege_type = 'CREATE'
    and entry.grantee <> nspowner
    and rolsuper is not true;
  if v_found is not null then
    raise exception 'others may create objects in schema pgq: %', v_found
      using errcode = 'JQ005',
            hint = format('Take that away: revoke create on schema %s from %s;',
              v_schema::regnamespace, v_found);
  end if;

  select format('%s of %s', pg_describe_object(inside.classid, inside.objid, 0), rolname)
  into v_found
  from pg_depend as inside
  join pg_shdepend as held
    on held.classid = inside.classid
    and held.objid = inside.objid
    and held.dbid = (select oid from pg_database where datname = current_database())
    and held.deptype = 'o'
  join pg_roles on pg_roles.oid = held.refobjid
  where inside.refclassid = 'pg_namespace'::regclass
    and inside.refobjid = v_schema
    and inside.classid <> 'pg_default_acl'::regclass
    and rolname <> current_user
    and not rolsuper
  order by inside.classid, inside.objid
  limit 1;
  if found then
    raise exception 'schema pgq holds something that belongs to somebody else: %', v_found
      using errcode = 'JQ005',
            hint = 'Drop it; if it is one of ours, pgq migrate --repair gives it back.';
  end if;
end
$$;
