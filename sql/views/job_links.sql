/*
 * For one job at a time: with its id, each branch is one search in an index.
 */
create or replace view pgq.job_links as
select job.id,
  job.depends_on as parents,
  array(
    select edge.child_id
    from pgq.dependencies as edge
    where edge.parent_id = job.id
    order by edge.outlasts_failure, edge.child_id
    limit 20
  ) as children,
  job.concurrency ->> 'key' as concurrency_key,
  (job.concurrency ->> 'weight')::integer as concurrency_weight,
  exists (select from pgq.slots as slot where slot.job_id = job.id) as holds_slots,
  job.partition_key,
  (
    select worker.name
    from pgq.running as claim
    join pgq.workers as worker on worker.id = claim.worker_id
    where claim.job_id = job.id
  ) as worker,
  job.unique_key,
  coalesce(
    (
      select taken.job_id
      from pgq.key_windows as taken
      where taken.unique_key = job.unique_key and taken.until_at > pgq._now()
    ),
    (select live.id from pgq.jobs as live where live.unique_key = job.unique_key)
  ) as key_owner,
  job.batch_id,
  job.headers -> 'schedule' ->> 'name' as schedule,
  case
    when job.headers ->> 'exhausted_from' ~ '^[0-9]{1,18}$'
    then (job.headers ->> 'exhausted_from')::bigint
  end as exhausted_from,
  case
    when job.headers ->> 'redriven_from' ~ '^[0-9]{1,18}$'
    then (job.headers ->> 'redriven_from')::bigint
  end as redriven_from
from pgq.jobs as job
union all
select past.id,
  past.depends_on,
  array(
    select edge.child_id
    from pgq.dependencies as edge
    where edge.parent_id = past.id
    order by edge.outlasts_failure, edge.child_id
    limit 20
  ),
  past.concurrency ->> 'key',
  (past.concurrency ->> 'weight')::integer,
  false,
  past.partition_key,
  coalesce(
    (select worker.name from pgq.workers as worker where worker.id = past.worker_id),
    (select gone.name from pgq.past_workers as gone where gone.id = past.worker_id)
  ),
  past.unique_key,
  coalesce(
    (
      select taken.job_id
      from pgq.key_windows as taken
      where taken.unique_key = past.unique_key and taken.until_at > pgq._now()
    ),
    (select live.id from pgq.jobs as live where live.unique_key = past.unique_key)
  ),
  past.batch_id,
  past.headers -> 'schedule' ->> 'name',
  case
    when past.headers ->> 'exhausted_from' ~ '^[0-9]{1,18}$'
    then (past.headers ->> 'exhausted_from')::bigint
  end,
  case
    when past.headers ->> 'redriven_from' ~ '^[0-9]{1,18}$'
    then (past.headers ->> 'redriven_from')::bigint
  end
from pgq.job_history as past;

comment on view pgq.job_links is 'How a job, live or finished, is linked to others and a worker.';
comment on column pgq.job_links.id is 'The job.';
comment on column pgq.job_links.parents is 'The jobs that it depends on, ended or not.';
comment on column pgq.job_links.children is 'Jobs that still wait for it, at most twenty of them.';
comment on column pgq.job_links.concurrency_key is 'The semaphore that it needs.';
comment on column pgq.job_links.concurrency_weight is 'How many slots of it.';
comment on column pgq.job_links.holds_slots is 'Whether it holds them now.';
comment on column pgq.job_links.partition_key is 'The tenant that it belongs to in a fair queue.';
comment on column pgq.job_links.worker is
  'The name of the worker that runs it, or ran it last; kept thirty days after the worker left.';
comment on column pgq.job_links.unique_key is 'Its unique key.';
comment on column pgq.job_links.key_owner is
  'The job that the key belongs to now; another one is in the way of a retry.';
comment on column pgq.job_links.batch_id is 'The batch that it counts for.';
comment on column pgq.job_links.schedule is 'The schedule that enqueued it.';
comment on column pgq.job_links.exhausted_from is
  'The job that failed, for which this one was enqueued by on_exhausted.';
comment on column pgq.job_links.redriven_from is
  'The job that failed, of which this one is a copy made by redrive().';
