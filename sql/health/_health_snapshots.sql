/*
 * snapshots
 *   when: held for 10 min (fail: 6 h) by a session, a prepared transaction or a replication slot
 *   do: end it, by the statement in the hint
 *
 * Health: whether somebody has kept dead rows from being removed for ten minutes or a million
 * transactions. Claims skip those rows, but tables grow.
 */
create or replace function pgq._health_snapshots(now_at timestamptz)
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  with holders as materialized (
    select evidence, now_at - since as held, cure
    from pgq._snapshot_holders()
    where now_at - since > interval '10 minutes'
      or transactions > 1000000
  ),
  hidden as (
    select count(*) as sessions
    from pg_stat_activity
    where query = '<insufficient privilege>'
      and datname = current_database()
  )
  select 'snapshots',
    pgq._status_above(
      greatest(extract(epoch from max(held)), case when count(evidence) > 0 then 601 end)
        ::double precision,
      600, 21600
    ),
    coalesce(extract(epoch from max(held)), 0)::double precision,
    case count(evidence)
      when 0 then 'nobody holds an old snapshot'
      else 'dead rows are kept for: ' || pgq._list_briefly(array_agg(
        evidence || coalesce(' for ' || pgq._format_interval(held), '')
        order by held desc nulls last))
    end
      || case
        when hidden.sessions > 0
        then format(' (%s sessions of other users may not be looked at)', hidden.sessions)
        else ''
      end,
    case
      when count(evidence) > 0
      then 'If it is not needed: ' || (array_agg(cure order by held desc nulls last))[1]
    end,
    'Postgres cannot remove dead rows while an old snapshot may still read them.'
  from hidden
  left join holders on true
  group by hidden.sessions
$$;

comment on function pgq._health_snapshots is
  'Health: whether somebody keeps dead rows from being removed.';
