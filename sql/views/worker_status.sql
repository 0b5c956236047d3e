create or replace view pgq.worker_status as
select worker.id, worker.name,
  case
    when pgq._now() - worker.heartbeat_at > worker.lease then 'silent'
    when told.standing_order is not null then told.standing_order
    when worker.idle then 'idle'
    else 'busy'
  end as status,
  coalesce(claims.jobs, 0) as running,
  worker.concurrency,
  array_to_string(worker.queues, ', ') as queues,
  pgq._now() - worker.heartbeat_at as silence,
  pgq._now() - worker.started_at as uptime,
  worker.host, worker.pid, worker.version, worker.protocol
from pgq.workers as worker
left join lateral (
  select known.worker_id, known.standing_order
  from pgq.worker_orders as known
  where known.worker_id = worker.id
  order by known.id desc
  limit 1
) as told on told.standing_order <> 'resume'
left join (
  select worker_id, count(*) as jobs
  from pgq.running
  group by worker_id
) as claims on claims.worker_id = worker.id
order by worker.id;

comment on view pgq.worker_status is 'The workers, what they do, and when they sent a heartbeat.';
comment on column pgq.worker_status.id is 'The worker.';
comment on column pgq.worker_status.name is 'Its name.';
comment on column pgq.worker_status.status is
  'idle, busy, pause or stop (as ordered), or silent: it will be given up soon.';
comment on column pgq.worker_status.running is 'How many jobs it has claimed.';
comment on column pgq.worker_status.concurrency is 'How many jobs it runs at once.';
comment on column pgq.worker_status.queues is 'Its queue selectors, best first.';
comment on column pgq.worker_status.silence is 'How long ago its last heartbeat was.';
comment on column pgq.worker_status.uptime is 'How long ago it registered.';
comment on column pgq.worker_status.host is 'The machine that it runs on.';
comment on column pgq.worker_status.pid is 'Its process id there.';
comment on column pgq.worker_status.version is 'The version of its client library.';
comment on column pgq.worker_status.protocol is
  'The protocol between client and schema that it was made for.';
