/*
 * The indexes, constraints and triggers of the schema's tables as they are now, except those of the
 * daily partitions of the history. Another check asks whether they are valid and switched on.
 */
create or replace function pgq._current_indexes(namespace oid)
  returns table (kind text, name text, digest text)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  with ours as materialized (
    select relation.oid, relation.relname
    from pg_class as relation
    where relation.relnamespace = namespace
      and relation.relkind in ('r', 'p')
      and (not relation.relispartition or relation.relname = 'job_history_default')
  )
  select 'index', quote_ident(named.relname),
    md5(concat_ws(
      '|', ours.relname, found.indisunique, found.indnkeyatts, found.indoption, method.amname,
      (
        select string_agg(pg_get_indexdef(found.indexrelid, place, false), ',' order by place)
        from generate_series(1, found.indnatts) as place
      ),
      pg_get_expr(found.indpred, found.indrelid)
    ))
  from pg_index as found
  join ours on ours.oid = found.indrelid
  join pg_class as named on named.oid = found.indexrelid
  join pg_am as method on method.oid = named.relam
  where not exists (
    select from pg_constraint as rule where rule.conindid = found.indexrelid
  )
  union all
  select 'constraint', format('%I on %I', rule.conname, ours.relname),
    md5(concat_ws(
      '|', rule.contype, rule.convalidated, pg_get_expr(rule.conbin, rule.conrelid),
      (
        select string_agg(part.attname, ',' order by array_position(rule.conkey, part.attnum))
        from pg_attribute as part
        where part.attrelid = rule.conrelid
          and part.attnum = any(rule.conkey)
      )
    ))
  from pg_constraint as rule
  join ours on ours.oid = rule.conrelid
  where rule.contype <> 'n'
  union all
  select 'trigger', format('%I on %I', acts.tgname, ours.relname),
    md5(concat_ws(
      '|', code.proname, code.pronamespace = namespace, acts.tgtype, acts.tgattr, acts.tgoldtable,
      acts.tgnewtable, pg_get_expr(acts.tgqual, acts.tgrelid), acts.tgargs
    ))
  from pg_trigger as acts
  join ours on ours.oid = acts.tgrelid
  join pg_proc as code on code.oid = acts.tgfoid
  where not acts.tgisinternal
$$;

comment on function pgq._current_indexes is
  'The indexes, constraints and triggers of the schema''s tables as they are now.';
