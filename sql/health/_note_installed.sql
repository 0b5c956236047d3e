/*
 * Store what the schema consists of, at the end of an install or of a revision. With only_new_roles
 * it stores only the grants of roles of ours that have no stored grant, because somebody created
 * them later. Anything else that was lost or added must not become the expected state.
 */
create or replace function pgq._note_installed(only_new_roles boolean)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set quote_all_identifiers = off
as $$
declare
  v_roles constant text[] := array(
    select quote_ident(role)
    from unnest(array[
      'pgq_producer', 'pgq_worker', 'pgq_operator', 'pgq_observer', 'pgq_monitor'
    ]) as role
  );
  v_known text[] := '{}';
begin
  if not only_new_roles then
    delete from pgq.installed_objects;
  end if;
  v_known := array(
    select split_part(name, ' to ', -1) from pgq.installed_objects where kind = 'grant'
  );
  insert into pgq.installed_objects (kind, name, digest)
  select now.kind, now.name, now.digest
  from pgq._fingerprint() as now
  cross join lateral (select split_part(now.name, ' to ', -1)) as granted (role)
  where case
    when now.kind in ('rule', 'persistence', 'identity') then false
    when now.kind <> 'grant' then not only_new_roles
    else granted.role = any(v_roles) and not granted.role = any(v_known)
  end
    and (not only_new_roles or exists (select from pgq.installed_objects));
end
$$;

comment on function pgq._note_installed is
  'Store what the schema consists of, at the end of an install or of a revision.';
