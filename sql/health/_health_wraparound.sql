/*
 * wraparound
 *   when: rows far older than `autovacuum_freeze_max_age`
 *   do: find out what keeps autovacuum from freezing them
 */
create or replace function pgq._health_wraparound()
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select 'wraparound',
    pgq._status_above(
      oldest.transactions,
      2 * greatest(2e8, current_setting('autovacuum_freeze_max_age')::double precision), 16e8
    ),
    oldest.transactions::double precision,
    format('the oldest row of our tables may be %s transactions old, in %s',
      oldest.transactions, oldest.table_name),
    case
      when oldest.transactions
        > 2 * greatest(2e8, current_setting('autovacuum_freeze_max_age')::double precision)
      then format('Find out what stops autovacuum; then: vacuum (freeze, verbose) %s;',
        oldest.table_name)
    end,
    'Very old rows are not frozen; in the end the server refuses to write.'
  from (
    select relation.oid::regclass::text as table_name,
      greatest(
        age(relation.relfrozenxid), mxid_age(relation.relminmxid), age(toast.relfrozenxid),
        mxid_age(toast.relminmxid)
      ) as transactions
    from pg_class as relation
    left join pg_class as toast on toast.oid = relation.reltoastrelid
    where relation.relkind = 'r'
      and relation.relnamespace = (
        select jobs.relnamespace from pg_class as jobs where jobs.oid = 'pgq.jobs'::regclass
      )
    order by 2 desc
    limit 1
  ) as oldest
$$;

comment on function pgq._health_wraparound is 'Health: whether our tables are frozen in time.';
