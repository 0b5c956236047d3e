/*
 * Let dumps have the rows of the members and the places of their sequences. Left out is what the
 * script writes anew, and what means nothing on another server. The partitions of the history are
 * no members: a dump has them anyway, and maintain() may drop them.
 *
 * The row types of tables leave the extension, whose tables keep them. Otherwise pg_dump prints a
 * warning for each, since this script took it from PUBLIC. Before Postgres 17 they are no members,
 * but noted all the same: only leaving removes the note.
 */
do $$
declare
  v_relation record;
  v_type record;
begin
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  for v_relation in
    select pg_class.oid
    from pg_class
    join pg_depend as known
      on known.classid = 'pg_class'::regclass
      and known.objid = pg_class.oid
      and known.deptype = 'e'
    where relnamespace = 'pgq'::regnamespace
      and relkind in ('r', 'S')
      and relname <> all(array[
        'schema_version', 'installed_objects', 'maintenance', 'stat_folds',
        'ready_marks', 'id_marks', 'id_marks_id_seq', 'key_marks', 'key_marks_id_seq', 'task_marks',
        'task_marks_id_seq'
      ])
    order by relname
  loop
    -- One call a statement: each changes the row of the extension.
    perform pg_extension_config_dump(v_relation.oid, '');
  end loop;
  for v_type in
    select format('pgq.%I', typname) as name, known.objid is not null as is_member
    from pg_type
    join pg_class on pg_class.oid = typrelid and relkind <> 'c'
    left join pg_depend as known
      on known.classid = 'pg_type'::regclass
      and known.objid = pg_type.oid
      and known.deptype = 'e'
    where typnamespace = 'pgq'::regnamespace
      and exists (
        select from pg_init_privs where classoid = 'pg_type'::regclass and objoid = pg_type.oid
      )
  loop
    if not v_type.is_member then
      execute format('alter extension pgq_sql add type %s', v_type.name);
    end if;
    execute format('alter extension pgq_sql drop type %s', v_type.name);
  end loop;
end
$$;
