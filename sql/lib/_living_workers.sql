/*
 * The workers that were heard of within their lease, and within max_age. Inlined: no settings.
 */
create or replace function pgq._living_workers(now_at timestamptz, max_age interval)
  returns table (
    id bigint,
    name text,
    queues text[],
    tasks text[],
    concurrency integer,
    version text,
    protocol integer,
    silence interval
  )
  language sql
  stable
as $$
  select worker.id, worker.name, worker.queues, worker.tasks, worker.concurrency, worker.version,
    worker.protocol, now_at - worker.heartbeat_at
  from pgq.workers as worker
  where now_at - worker.heartbeat_at <= least(worker.lease, max_age)
$$;

comment on function pgq._living_workers is
  'The workers that were heard of within their lease, and within max_age.';
