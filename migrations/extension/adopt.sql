/*
 * What is adopted is what a plain install of this version is.
 */
do $$
declare
  v_revision text;
begin
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  if to_regclass('pgq.jobs') is null or to_regclass('pgq.schema_version') is null then
    raise exception 'there is no plain install in schema pgq to adopt'
      using errcode = 'JQ005',
            hint = 'Install it: create extension pgq_sql;';
  end if;
  select version_num into v_revision from pgq.schema_version;
  if v_revision is distinct from 'REVISION' then
    raise exception 'schema pgq is at revision %, this extension is REVISION', v_revision
      using errcode = 'JQ005',
            hint = 'Bring it there first: pgq migrate.';
  end if;
  -- Functions and grants name the roles, and the updates of an extension know one set of them.
  if not exists (
    select
    from pg_proc
    where pronamespace = 'pgq'::regnamespace
      and proname = '_note_installed'
      and prosrc ~ '''pgq_producer'''
  ) then
    raise exception 'the roles of schema pgq have another prefix than pgq_'
      using errcode = 'JQ005',
            hint = 'The extension has no prefix to choose: leave it a plain install.';
  end if;
end
$$;
