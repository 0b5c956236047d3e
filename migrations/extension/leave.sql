/*
 * Take everything out of the extension and drop what is left of it. The schema stays with all that
 * it holds, as a plain install. From Postgres 17 on, the row type of a table leaves with it, and so
 * must be a member, which it is not (dumps.sql); before, it leaves by itself. So each step looks at
 * what is left, tables before types and types before their arrays.
 */
do $$
declare
  v_object record;
begin
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  for v_object in
    select format('pgq.%I', relname) as identity
    from pg_class
    join pg_depend as known
      on known.classid = 'pg_class'::regclass
      and known.objid = pg_class.oid
      and known.deptype = 'e'
    where relnamespace = 'pgq'::regnamespace
      and reltype <> 0
      and not exists (
        select
        from pg_depend as other
        where other.classid = 'pg_type'::regclass
          and other.objid = reltype
          and other.deptype = 'e'
      )
  loop
    execute format('alter extension pgq_sql add type %s', v_object.identity);
  end loop;
  loop
    select case named.type when 'composite type' then 'type' else named.type end as type,
      named.identity
    into v_object
    from pg_extension
    join pg_depend as known
      on known.refclassid = 'pg_extension'::regclass
      and known.refobjid = pg_extension.oid
      and known.deptype = 'e'
    cross join lateral pg_identify_object(known.classid, known.objid, 0) as named
    left join pg_type
      on known.classid = 'pg_type'::regclass and pg_type.oid = known.objid
    where extname = 'pgq_sql'
    order by known.classid desc, typelem = 0 desc, known.objid
    limit 1;
    exit when not found;
    execute format('alter extension pgq_sql drop %s %s', v_object.type, v_object.identity);
  end loop;
  drop extension pgq_sql;
end
$$;
