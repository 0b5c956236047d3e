/*
 * The schema itself, after a look at what already stands under its name.
 *
 * Skytools' PgQ also installs into a schema called pgq; nothing of it is ever touched.
 */
do $$
declare
  v_lock_timeout constant text := current_setting('lock_timeout');
  v_role text;
begin
  -- One first install at a time: a second waits, here or for the comment, until the first is done.
  perform set_config('lock_timeout', '60s', true);
  -- Not "if not exists", which asks for CREATE on the database even where the schema is there.
  if to_regnamespace('pgq') is null then
    begin
      create schema pgq;
    exception
      when duplicate_schema or unique_violation then
        raise exception 'schema pgq was made by somebody else meanwhile'
          using errcode = 'JQ005',
                hint = 'See what it holds. If it is a queue, bring it up to date with pgq migrate.';
    end;
    -- What default privileges gave: CREATE, perhaps.
    for v_role in
      select distinct coalesce(quote_ident(rolname), 'public')
      from pg_namespace
      cross join aclexplode(nspacl) as entry
      left join pg_roles on pg_roles.oid = entry.grantee
      where pg_namespace.oid = to_regnamespace('pgq')
        and entry.grantee <> nspowner
    loop
      execute format('revoke all on schema pgq from %s', v_role);
    end loop;
  end if;
  comment on schema pgq is
    'Job queue: clients call the functions, people read the views, nobody touches the tables.';
  perform set_config('lock_timeout', v_lock_timeout, true);
end
$$;

do $$
begin
  if to_regclass('pgq.tick') is not null or to_regclass('pgq.event_template') is not null then
    raise exception 'schema pgq belongs to Skytools PgQ'
      using errcode = 'JQ005',
            hint = 'Install under another name: pgq migrate --schema NAME.';
  end if;
  if to_regclass('pgq.jobs') is not null then
    raise exception 'schema pgq already holds a queue'
      using errcode = 'JQ005',
            hint = 'Bring it up to date with pgq migrate, or install under another name.';
  end if;
  -- Alembic makes its table before the first revision runs: that, and nothing that hangs on it.
  if exists (
    select
    from pg_depend
    where refclassid = 'pg_namespace'::regclass
      and refobjid = to_regnamespace('pgq')
      and objid is distinct from to_regclass('pgq.schema_version')
      and classid not in ('pg_default_acl'::regclass, 'pg_publication_namespace'::regclass)
  ) or exists (
    select
    from pg_class
    where oid = to_regclass('pgq.schema_version')
      and (
        relkind <> 'r' or relhasrules or relhastriggers or relhassubclass or relrowsecurity
        or relispartition
        or exists (select from pg_inherits where inhrelid = pg_class.oid)
        or exists (select from pg_attrdef where adrelid = pg_class.oid)
        or exists (
          select from pg_constraint where conrelid = pg_class.oid and contype not in ('p', 'n')
        )
        or (select count(*) from pg_index where indrelid = pg_class.oid) <> 1
        or array(
          select attname::text from pg_attribute where attrelid = pg_class.oid and attnum > 0
        ) <> '{version_num}'
      )
  ) then
    raise exception 'schema pgq holds objects that are not ours'
      using errcode = 'JQ005',
            hint = 'Install under another name: pgq migrate --schema NAME.';
  end if;
end
$$;
