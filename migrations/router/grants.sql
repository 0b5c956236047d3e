do $$
declare
  v_role text;
  v_grant record;
begin
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  revoke all on all functions in schema pgq from public;
  foreach v_role in array array[
    'pgq_producer', 'pgq_worker', 'pgq_operator', 'pgq_observer', 'pgq_monitor'
  ] loop
    if to_regrole(quote_ident(v_role)) is null then
      execute format('create role %I nologin', v_role);
    end if;
    execute format('grant usage on schema pgq to %I', v_role);
    execute format('grant usage on foreign server %I to %I', SERVER_NAME, v_role);
    execute format('grant select on pgq.fleet, pgq.shard_parts to %I', v_role);
    execute format('grant select on pgq.shards to %I', v_role);
    -- What connects to a shard does it as its caller, who may do there what the shard lets him.
    for v_grant in
      select proc.oid::regprocedure as name
      from pg_proc as proc
      where proc.pronamespace = to_regnamespace('pgq')
        and proc.proname like '\_%'
    loop
      execute format('grant execute on function %s to %I', v_grant.name, v_role);
    end loop;
  end loop;
  grant update on pgq.fleet to pgq_operator;
  grant execute on function pgq.refresh_shards to pgq_operator;
  for v_grant in
    select kind, name, role
    from jsonb_to_recordset(WANTED_GRANTS) as wanted (kind text, name text, role text)
  loop
    execute format(
      'grant %s pgq.%I to %I', v_grant.kind, v_grant.name, v_grant.role
    );
  end loop;
end
$$;
