/*
 * What can change rows when they are written to the schema's tables, or lose or refuse them: rules,
 * defaults of columns, unlogged tables, which are emptied when the server crashes, and tables
 * without a replica identity, which refuse updates as soon as somebody publishes all tables. We
 * never make rules, or such tables. And which tables have a fillfactor: room for updates in place.
 */
create or replace function pgq._current_rules(namespace oid)
  returns table (kind text, name text, digest text)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  with ours as materialized (
    select relation.oid, relation.relname, relation.relkind, relation.relpersistence,
      relation.relreplident, relation.reloptions
    from pg_class as relation
    where relation.relnamespace = namespace
      and relation.relkind in ('r', 'p', 'v')
      and (not relation.relispartition or relation.relname = 'job_history_default')
  )
  select 'rule', format('%I on %I', rewrites.rulename, ours.relname), ''
  from pg_rewrite as rewrites
  join ours on ours.oid = rewrites.ev_class
  where rewrites.rulename <> '_RETURN'
  union all
  select 'default', format('%I on %I', part.attname, ours.relname),
    md5(pgq._normalise_schema_name(
      pg_get_expr(made.adbin, made.adrelid), namespace::regnamespace::text
    ))
  from pg_attrdef as made
  join ours on ours.oid = made.adrelid
  join pg_attribute as part on part.attrelid = made.adrelid and part.attnum = made.adnum
  where part.attgenerated = ''
  union all
  select 'persistence', format('unlogged on %I', ours.relname), ''
  from ours
  where ours.relpersistence = 'u'
  union all
  select 'identity', format('nothing on %I', ours.relname), ''
  from ours
  where ours.relreplident = 'n'
    and ours.relkind <> 'v'
  union all
  select 'parameter', format('fillfactor on %I', ours.relname), ''
  from ours
  where exists (
    select from pg_options_to_table(ours.reloptions) as given
    where given.option_name = 'fillfactor'
  )
$$;

comment on function pgq._current_rules is
  'The rules, defaults, persistence, replica identity and fillfactors of the schema''s tables.';
