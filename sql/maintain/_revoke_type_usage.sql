/*
 * Take from PUBLIC the right to make columns of our row types, which would keep tables from being
 * altered or dropped. A dump does not bring that along, so after a restore it is to be done again.
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
  'Take from PUBLIC the right to make columns of our row types.';
