/*
 * How long a worker has been silent, without the times in which all workers were, and how long it
 * may be: its lease while other workers send heartbeats, ten leases while none does. Inlined: no
 * settings.
 */
create or replace function pgq._worker_silence(worker pgq.workers, now_at timestamptz)
  returns table (silence interval, patience interval, is_excused boolean)
  language sql
  stable
as $$
  select now_at - greatest(worker.heartbeat_at, excused.until),
    worker.lease * case
      when exists (
        select from pgq.workers as other
        where other.heartbeat_at > now_at - greatest(other.lease, worker.lease) / 2
      ) then 1
      else 10
    end,
    excused.until is not null
  from (
    select pg_catalog.max(ended_at) as until
    from pgq.silences
    where ended_at > worker.heartbeat_at
      and ended_at - began_at > worker.lease / 2
  ) as excused
$$;

comment on function pgq._worker_silence is
  'How long a worker has been silent while others sent heartbeats, and how long it may be.';
