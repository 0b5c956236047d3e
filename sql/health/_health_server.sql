/*
 * connections
 *   when: 80 % (fail: 95 %) of the server's sessions are open, or workers may open more than there
 *     are
 *   do: raise `max_connections`, run fewer workers, or use a pooler
 * notify_queue
 *   when: the server's queue of notifications is 10 % (fail: 50 %) full
 *   do: end the session that listens and does not read
 */
create or replace function pgq._health_server()
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select 'connections',
    case
      when used > 0.95 * available then 'fail'
      when used > 0.8 * available or used + may_come > available then 'warn'
      else 'ok'
    end,
    round(100.0 * used / available)::double precision,
    format('%s of %s sessions are open; the living workers may open %s more for handlers with '
      'transactions of their own', used, available, may_come),
    case
      when used > 0.8 * available or used + may_come > available
      then 'Raise max_connections, lower the concurrency of workers, or use a pooler.'
    end,
    'The server has few sessions left, or may have: it would refuse new workers and clients.'
  from pgq.connection_budget()
  union all
  select 'notify_queue', pgq._status_above(full_to, 10, 50), full_to,
    format('the queue of notifications is %s %% full', round(full_to)),
    case
      when full_to > 10
      then 'A session that listens does not read: end the oldest one idle in transaction, or stop '
        || 'notifying: select pgq.configure(notify => false);'
    end,
    'When it is full, every transaction that notifies fails.'
  from (select 100 * pg_notification_queue_usage()) as usage (full_to)
$$;

comment on function pgq._health_server is
  'Health: whether the server has room for sessions and notifications.';
