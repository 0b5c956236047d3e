/*
 * A database in SQL_ASCII takes any bytes as text, but every client reads UTF-8. There each table
 * refuses texts that are none, so that no row is stored that a worker could not read. Elsewhere
 * nothing is added, and nothing costs.
 */
do $$
declare
  v_table record;
begin
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  if getdatabaseencoding() <> 'SQL_ASCII' then
    return;
  end if;
  for v_table in
    select relation.oid::regclass as name,
      string_agg(
        format('length(convert_to(%I::text, ''UTF8'')) >= 0', attname), ' and ' order by attnum
      ) as condition
    from pg_class as relation
    join pg_attribute as attribute on attribute.attrelid = relation.oid
    where relation.relnamespace = 'pgq'::regnamespace
      and relation.relkind in ('r', 'p')
      and not relation.relispartition
      and attribute.attnum > 0
      and not attribute.attisdropped
      and attribute.atttypid
        = any(array['text', 'text[]', 'jsonb', 'jsonb[]', 'pgq.job_filters']::regtype[])
      and not exists (
        select
        from pg_constraint as known
        where known.conrelid = relation.oid and known.conname = 'utf8_only'
      )
    group by relation.oid
  loop
    execute format(
      'alter table %s add constraint utf8_only check (%s)', v_table.name, v_table.condition
    );
  end loop;
end
$$;
