/*
 * stopped_queues
 *   when: jobs wait longer than a tenth of `max_lag` for a queue with `max_running` or
 *     `rate_limit` 0
 *   do: run the statement in the hint, or leave it
 * semaphores
 *   when: jobs wait as long for a semaphore that has 0 slots, or whose holders have not changed for
 *     as long, or that a failed job in strict order blocks
 *   do: see what the holder does; run the statement in the hint
 *
 * Health of queues and semaphores that a limit of 0 stops: somebody may have forgotten it. It names
 * those for which jobs have waited longer than a tenth of max_lag. It also names a semaphore whose
 * holders have not changed for as long: they may hang.
 */
create or replace function pgq._health_limits(now_at timestamptz, max_lag interval)
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select 'stopped_queues', pgq._status_above(count(*), 0, 'infinity'), count(*)::double precision,
    case count(*)
      when 0 then 'no limit of 0 keeps jobs waiting'
      else 'a limit of 0 keeps jobs waiting: ' || pgq._list_briefly(array_agg(
        format('%s for %s', stopped.name, pgq._format_interval(now_at - oldest.ready_at))
        order by oldest.ready_at))
    end,
    (array_agg(
      format('If it was not meant: select pgq.configure_queue(%L, %s => -1);', stopped.name,
        case when stopped.max_running = 0 then 'max_running' else 'rate_limit' end)
      order by oldest.ready_at))[1],
    'A limit of 0 stops a queue. Was that meant for so long?'
  from pgq.queues as stopped
  cross join lateral (
    select min(head.ready_at) as ready_at from pgq._oldest_ready(stopped.name) as head
  ) as oldest
  where (stopped.max_running = 0 or stopped.rate_limit = 0)
    and oldest.ready_at < pgq._add_interval(now_at, -max_lag / 10);

  return query
  select 'semaphores', pgq._status_above(count(*), 0, 'infinity'), count(*)::double precision,
    case count(*)
      when 0 then 'no semaphore keeps jobs waiting for long'
      else 'jobs wait for semaphores that never get free: ' || pgq._list_briefly(array_agg(
        format('%s (%s)', stuck.concurrency_key, stuck.why) order by stuck.waits_since))
    end,
    (array_agg(stuck.cure order by stuck.waits_since))[1],
    'Jobs wait for a slot, and no holder ends.'
  from pgq._stuck_semaphores(pgq._add_interval(now_at, -max_lag / 10)) as stuck;
end
$$;

comment on function pgq._health_limits is
  'Health: whether jobs wait for a limit of 0, or for a holder that hangs.';
