/*
 * replication_slots
 *   when: one keeps more WAL than `max_wal_size` (fail: four times that)
 *   do: let its reader catch up, or drop it
 *
 * Health: whether a replication slot keeps more WAL than max_wal_size (fail: four times that). A
 * full disk stops the server.
 */
create or replace function pgq._health_replication_slots()
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  with kept as (
    select slot.slot_name, slot.active,
      pg_wal_lsn_diff(
        case
          when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn()
        end,
        slot.restart_lsn
      )::double precision as bytes
    from pg_replication_slots as slot
  ),
  allowed as (select pg_size_bytes(current_setting('max_wal_size'))::double precision as bytes)
  select 'replication_slots',
    pgq._status_above(max(kept.bytes), max(allowed.bytes), 4 * max(allowed.bytes)),
    coalesce(max(kept.bytes), 0),
    case count(*) filter (where kept.bytes > allowed.bytes)
      when 0 then 'no replication slot keeps much WAL'
      else 'kept for replication slots: ' || pgq._list_briefly(array_agg(
        format('%s of WAL for %s, which %s', pg_size_pretty(kept.bytes::bigint), kept.slot_name,
          case when kept.active then 'is behind' else 'nobody reads' end)
        order by kept.bytes desc) filter (where kept.bytes > allowed.bytes))
    end,
    'If nothing needs it, as a superuser: ' || (array_agg(
      format('select pg_drop_replication_slot(%L);', kept.slot_name) order by kept.bytes desc)
      filter (where kept.bytes > allowed.bytes))[1],
    'WAL is kept until the disk is full; then the server stops.'
  from allowed
  left join kept on true
$$;

comment on function pgq._health_replication_slots is
  'Health: whether a replication slot keeps much WAL.';
