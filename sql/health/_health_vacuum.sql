/*
 * autovacuum
 *   when: it is off on the server: fail; for one of the tables: warn
 *   do: turn it on, by the statement in the hint
 * dead_rows
 *   when: over 50,000 in a table not vacuumed for half an hour
 *   do: look at `snapshots` first
 */
create or replace function pgq._health_vacuum(now_at timestamptz)
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  with ours as materialized (
    select relation.oid::regclass::text as table_name, coalesce(stat.n_dead_tup, 0) as dead,
      case
        when pgq._autovacuum_is_off(relation.reloptions) then 'autovacuum_enabled'
        when pgq._autovacuum_is_off(toast.reloptions) then 'toast.autovacuum_enabled'
      end as switched_off,
      greatest(stat.last_vacuum, stat.last_autovacuum, pg_postmaster_start_time()) as vacuumed_at
    from pg_class as relation
    left join pg_class as toast on toast.oid = relation.reltoastrelid
    left join pg_stat_all_tables as stat on stat.relid = relation.oid
    where relation.relkind = 'r'
      and relation.relnamespace = (
        select jobs.relnamespace from pg_class as jobs where jobs.oid = 'pgq.jobs'::regclass
      )
  ),
  found as (
    select count(*) as tables,
      pgq._list_briefly(array_agg(table_name order by table_name)) as names,
      (array_agg(
        format('alter table %s reset (%s);', table_name, switched_off) order by table_name
      ))[1] as cure
    from ours
    where switched_off is not null
  )
  select 'autovacuum',
    case when server.is_off then 'fail' when found.tables > 0 then 'warn' else 'ok' end,
    found.tables::double precision,
    case
      when server.is_off then 'autovacuum or track_counts is off on this server'
      when found.tables > 0 then 'autovacuum is off for ' || found.names
      else 'autovacuum is on'
    end,
    case
      when server.is_off
      then 'As a superuser: alter system set autovacuum = on; alter system set track_counts = on; '
        || 'select pg_reload_conf();'
      when found.tables > 0 then 'As the owner of the schema: ' || found.cure
    end,
    'Nobody removes dead rows: tables and indexes grow, and everything gets slower.'
  from found
  cross join (
    select not (current_setting('autovacuum')::boolean and current_setting('track_counts')::boolean)
  ) as server (is_off)
  union all
  select 'dead_rows', pgq._status_above(count(*), 0, 'infinity'),
    coalesce(max(dead), 0)::double precision,
    case count(*)
      when 0 then 'tables are vacuumed in time'
      else 'not vacuumed for half an hour: ' || pgq._list_briefly(array_agg(
        format('%s (%s dead rows)', table_name, dead) order by dead desc))
    end,
    case
      when count(*) > 0
      then format('Look at the check snapshots first; then, as the owner: vacuum (verbose) %s;',
        (array_agg(table_name order by dead desc))[1])
    end,
    'Dead rows pile up: tables and indexes grow, and everything gets slower.'
  from ours
  where dead > 50000
    and now_at - vacuumed_at > interval '30 minutes'
$$;

comment on function pgq._health_vacuum is 'Health: whether dead rows are removed.';
