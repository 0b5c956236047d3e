/*
 * The tables, views, sequences and types of the schema as they are now. Left out are the daily
 * partitions of the history, which come and go, and values of storage parameters, which
 * administrators may tune. The ids of a shard are 1,024 apart; that counts as 1.
 *
 * A view is compared by its columns, by the objects that it reads, and by its text without spaces
 * and without the words before a dot: Postgres 15 writes a table's name there where 18 does not. So
 * only one change is not seen: the same column of another alias of one table.
 */
create or replace function pgq._current_tables(namespace oid)
  returns table (kind text, name text, digest text)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select case relation.relkind
      when 'v' then 'view' when 'S' then 'sequence' when 'm' then 'materialized view'
      when 'f' then 'foreign table' when 'c' then 'type' else 'table'
    end,
    quote_ident(relation.relname),
    md5(concat_ws(
      '|', relation.relkind, relation.relrowsecurity, relation.relforcerowsecurity,
      (
        select string_agg(concat_ws(
          ' ', part.attname, part.attnotnull, part.attidentity, part.attgenerated,
          regexp_replace(format_type(part.atttypid, part.atttypmod), '.*[.]', '')
        ), ',' order by part.attnum)
        from pg_attribute as part
        where part.attrelid = relation.oid
          and part.attnum > 0
          and not part.attisdropped
          and relation.relkind <> 'S'
      ),
      (
        select string_agg(concat_ws(
          '.', needed.relname, part.attname, code.proname
        ), ',' order by needed.relname, part.attname, code.proname)
        from pg_rewrite as rule
        join pg_depend as need
          on need.classid = 'pg_rewrite'::regclass and need.objid = rule.oid
        left join pg_class as needed
          on need.refclassid = 'pg_class'::regclass and needed.oid = need.refobjid
        left join pg_attribute as part
          on part.attrelid = needed.oid and part.attnum = need.refobjsubid
        left join pg_proc as code
          on need.refclassid = 'pg_proc'::regclass and code.oid = need.refobjid
        where rule.ev_class = relation.oid
          and need.refobjid <> relation.oid
      ),
      case when relation.relkind in ('v', 'm') then concat(
        relation.reloptions,
        regexp_replace(
          pg_get_viewdef(relation.oid),
          '("([^"]|"")+"|[a-z_][a-z0-9_$]*)[.]|[[:space:]]+', '', 'g'
        )
      ) end,
      (
        select concat_ws(
          ' ', seq.seqtypid::regtype, seq.seqstart, replace(seq.seqincrement::text, '1024', '1'),
          seq.seqmin, seq.seqmax, seq.seqcache, seq.seqcycle
        )
        from pg_sequence as seq
        where seq.seqrelid = relation.oid
      )
    ))
  from pg_class as relation
  where relation.relnamespace = namespace
    and relation.relkind not in ('i', 'I', 't')
    and (not relation.relispartition or relation.relname = 'job_history_default')
  union all
  select 'type', quote_ident(type.typname), md5(type.typtype::text)
  from pg_type as type
  where type.typnamespace = namespace
    and type.typrelid = 0
    and not exists (select from pg_type as element where element.typarray = type.oid)
$$;

comment on function pgq._current_tables is
  'The tables, views, sequences and types of the schema as they are now.';
