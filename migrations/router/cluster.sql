do $$
declare
  c_wanted constant jsonb := SERVER_OPTIONS;
  v_options text;
begin
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  if not exists (select from pg_foreign_server where srvname = SERVER_NAME) then
    execute format('create server %I foreign data wrapper plproxy options (p0 '''')', SERVER_NAME);
  end if;
  select string_agg(
      case
        when wanted.value is null then format('drop %I', coalesce(wanted.key, known.option_name))
        when known.option_name is null then format('add %I %L', wanted.key, wanted.value)
        else format('set %I %L', wanted.key, wanted.value)
      end, ', '
    )
  into v_options
  from jsonb_each_text(c_wanted) as wanted
  full join (
    select option.option_name, option.option_value
    from pg_foreign_server, pg_options_to_table(srvoptions) as option
    where srvname = SERVER_NAME
  ) as known on known.option_name = wanted.key
  where wanted.value is not null or known.option_name ~ '^p[0-9]+$';
  execute format('alter server %I options (%s)', SERVER_NAME, v_options);
  if not exists (
    select from pg_user_mappings where srvname = SERVER_NAME and umuser = 0
  ) then
    execute format('create user mapping for public server %I', SERVER_NAME);
  end if;
end
$$;
