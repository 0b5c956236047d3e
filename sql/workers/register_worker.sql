/*
 * Announce a worker and return its id, which claims and heartbeats then carry.
 *
 * backend_pid: the server session that the worker always keeps open (its LISTEN connection), if it
 * is a direct one. If it ends and the worker is silent for two more seconds, its jobs are rescued.
 * So a worker that loses its session must send heartbeats at least every second until one of them
 * reports another session. Leave it out behind a transaction pooler.
 *
 * protocol: the contract between client and schema that the worker was made for; null is 1. The
 * schema accepts its own protocol and the one before, so workers can be replaced one by one after
 * an upgrade.
 *
 * clock: the time on the worker's machine, for health().
 *
 * pid_space: a text that is the same only for workers that see the same processes under the same
 * pids; see workers_beside().
 */
create or replace function pgq.register_worker(
  name text,
  queues text[],
  tasks text[] default null,
  concurrency bigint default null,
  lease interval default null,
  host text default null,
  pid bigint default null,
  version text default null,
  backend_pid bigint default null,
  protocol bigint default null,
  clock timestamptz default null,
  pid_space text default null
)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := pgq._now();
  c_default_lease constant interval := '30 seconds';
  v_lease constant interval := coalesce(register_worker.lease, c_default_lease);
  v_id bigint;
begin
  perform pgq._check_protocol(coalesce(register_worker.protocol, 1));
  if array_ndims(register_worker.queues) is distinct from 1
    or array_position(register_worker.queues, null) is not null
  then
    raise exception 'queues are not a list of names'
      using errcode = 'JQ002',
            hint = 'Pass exact names, prefix* or *, best first.';
  end if;
  if array_ndims(register_worker.tasks) > 1 then
    raise exception 'tasks are not a list of names'
      using errcode = 'JQ002',
            hint = 'Pass the names of the handlers, or nothing for all.';
  end if;
  perform pgq._check_count(cardinality(register_worker.queues collate "default"), 'queues', 1000);
  perform pgq._check_count(cardinality(register_worker.tasks collate "default"), 'tasks', 10000);
  if register_worker.concurrency not between 1 and 1000000 then
    raise exception 'concurrency is %', register_worker.concurrency
      using errcode = 'JQ002',
            hint = 'Pass 1 up to 1000000.';
  end if;
  if not isfinite(register_worker.lease)
    or not register_worker.lease between interval '1 second' and interval '1 day'
  then
    raise exception 'lease is under a second or over a day'
      using errcode = 'JQ002',
            hint = format(
              'Pass several times the interval between heartbeats; the default is %s.',
              pgq._format_interval(c_default_lease)
            );
  end if;

  perform pgq._note_silence(v_now, v_lease);
  insert into pgq.workers (
    name, queues, tasks, concurrency, host, pid, version, started_at, heartbeat_at, lease, protocol,
    clock_ahead, pid_space
  )
  values (
    coalesce(register_worker.name, 'worker'), register_worker.queues, register_worker.tasks,
    coalesce(register_worker.concurrency, 1), register_worker.host, register_worker.pid,
    register_worker.version, v_now, v_now, v_lease,
    coalesce(register_worker.protocol, 1),
    case when isfinite(register_worker.clock) then register_worker.clock - v_now end,
    register_worker.pid_space
  )
  returning id into v_id;
  if register_worker.backend_pid is not null then
    perform pgq._note_session(v_id, register_worker.backend_pid, v_now);
  end if;
  return v_id;
end
$$;

comment on function pgq.register_worker is
  'Announce a worker and return its id, which claims and heartbeats then carry.';
