/*
 * Revoke what default privileges gave to other roles on a new table, and PUBLIC's right to use its
 * row type: a column of that type would keep the table from being dropped.
 */
create or replace function pgq._revoke_default_grants(name text)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_kind text;
  v_roles text;
begin
  for v_kind, v_roles in
    select kind, string_agg(distinct coalesce(quote_ident(rolname), 'public'), ', ')
    from pg_class
    join pg_type on pg_type.oid = reltype
    cross join lateral (
      values ('table', relacl), ('type', coalesce(typacl, acldefault('T', typowner)))
    ) as object (kind, acl)
    cross join aclexplode(acl) as entry
    left join pg_roles on pg_roles.oid = entry.grantee
    where pg_class.oid = to_regclass(format('pgq.%I', name))
      and entry.grantee <> relowner
    group by kind
  loop
    execute format('revoke all on %s pgq.%I from %s', v_kind, name, v_roles);
  end loop;
end
$$;

comment on function pgq._revoke_default_grants is
  'Revoke what default privileges gave to other roles on a new table.';
