/*
 * Revoke from PUBLIC the right to use our row types: a column of such a type would keep our tables
 * from being altered or dropped. A dump does not contain this, so it must be done again after a
 * restore.
 */
create or replace function pgq._revoke_type_usage()
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_type text;
begin
  for v_type in
    select oid::regtype::text
    from pg_type
    where typnamespace = 'pgq'::regnamespace
      and typelem = 0
      and typtype <> 'm'
      and exists (
        select
        from aclexplode(coalesce(typacl, acldefault('T', typowner))) as entry
        where entry.grantee = 0
      )
  loop
    execute format('revoke all on type %s from public', v_type);
  end loop;
end
$$;

comment on function pgq._revoke_type_usage is
  'Revoke from PUBLIC the right to use our row types.';
