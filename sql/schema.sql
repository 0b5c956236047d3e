/*
 * The schema itself, after a look at what already stands under its name.
 *
 * Skytools' PgQ also installs into a schema called pgq; nothing of it is ever touched.
 */
-- The script must not call what somebody put into another schema under a name of pg_catalog.
set local search_path = pg_catalog, pg_temp;

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
  if to_regclass('pgq.schema_version') is null and exists (
    select from pg_class where relnamespace = to_regnamespace('pgq')
    union all
    select from pg_proc where pronamespace = to_regnamespace('pgq')
    union all
    select from pg_type where typnamespace = to_regnamespace('pgq')
  ) then
    raise exception 'schema pgq holds objects that are not ours'
      using errcode = 'JQ005',
            hint = 'Install under another name: pgq migrate --schema NAME.';
  end if;
  -- Not "if not exists", which asks for CREATE on the database even where the schema is there.
  if to_regnamespace('pgq') is null then
    create schema pgq;
  end if;
end
$$;

comment on schema pgq is
  'Job queue: clients call the functions, people read the views, nobody touches the tables.';
