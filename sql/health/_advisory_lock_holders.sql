/*
 * Which other sessions hold advisory locks with one class number in this database, and how to end
 * them. is_brief: the transaction uses our tables and is younger than a minute.
 *
 * A prepared transaction has no pid. It is found by the lock on its own id, which has the same
 * virtual transaction.
 */
create or replace function pgq._advisory_lock_holders()
  returns table (key bigint, holder text, cure text, is_brief boolean)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  with locks as materialized (
    select * from pg_locks
  ),
  prepared as (
    select own.virtualtransaction, known.gid, known.owner, known.prepared as since
    from pg_prepared_xacts as known
    join locks as own on own.transactionid = known.transaction and own.granted and own.pid is null
  ),
  users as (
    select distinct used.virtualtransaction
    from locks as used
    join pg_class as relation on relation.oid = used.relation
    where used.locktype = 'relation'
      and used.database = (select oid from pg_database where datname = current_database())
      and relation.relnamespace = (
        select relnamespace from pg_class where oid = 'pgq.jobs'::regclass
      )
  )
  select held.classid::bigint << 32 | held.objid::bigint,
    case
      when held.pid is null
      then format('prepared transaction %s of %s', prepared.gid, prepared.owner)
      else format('%s, pid %s',
        coalesce(nullif(session.application_name, ''), session.usename::text, 'unknown'), held.pid)
    end,
    case
      when held.pid is null
      then format('As %s or a superuser, if it is not needed: rollback prepared %L;',
        prepared.owner, prepared.gid)
      else format('As a superuser, or with pg_signal_backend: select pg_terminate_backend(%s);',
        held.pid)
    end,
    users.virtualtransaction is not null
      and coalesce(session.xact_start, prepared.since) >= clock_timestamp() - interval '1 minute'
  from locks as held
  left join users on users.virtualtransaction = held.virtualtransaction
  left join pg_stat_activity as session on session.pid = held.pid
  left join prepared
    on prepared.virtualtransaction = held.virtualtransaction and held.pid is null
  where held.locktype = 'advisory'
    and held.objsubid = 1
    and held.granted
    and held.pid is distinct from pg_backend_pid()
    and held.database = (select oid from pg_database where datname = current_database())
$$;

comment on function pgq._advisory_lock_holders is
  'Who else holds advisory locks in this database, and how to end it.';
