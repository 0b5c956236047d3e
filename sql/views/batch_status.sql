/*
 * Counts up to a limit, so that reading a few batches costs the same however large they are. It is
 * in no order, so that a reader's order and limit find the few by the key.
 */
create or replace view pgq.batch_status as
select batch.id, batch.description,
  case
    when batch.succeeded then 'succeeded'
    when not batch.succeeded then 'failed'
    when batch.closed_at is not null then 'closed'
    else 'open'
  end as status,
  live.jobs as live,
  past.jobs + batch.forgotten_failed + batch.forgotten_cancelled + batch.forgotten_expired
    as not_succeeded,
  batch.created_at, batch.closed_at, batch.finished_at
from pgq.batches as batch
cross join lateral (
  select count(*) as jobs
  from (
    select from pgq.jobs as job where job.batch_id = batch.id limit 10000
  ) as counted
) as live
cross join lateral (
  select count(*) as jobs
  from (
    select
    from pgq.job_history as ended
    where ended.batch_id = batch.id
      and ended.state in ('failed', 'cancelled', 'expired')
    limit 10000
  ) as counted
) as past;

comment on view pgq.batch_status is 'Batches: how many jobs are left, and how they ended.';
comment on column pgq.batch_status.id is 'The batch.';
comment on column pgq.batch_status.description is 'A text for people.';
comment on column pgq.batch_status.status is
  'open, closed (its last job finishes it), succeeded, or failed: some job did not succeed.';
comment on column pgq.batch_status.live is 'Jobs that have not ended, counted up to 10,000.';
comment on column pgq.batch_status.not_succeeded is
  'Jobs that failed, expired or were cancelled: up to 10,000, and those discarded or pruned.';
comment on column pgq.batch_status.created_at is 'When it was made.';
comment on column pgq.batch_status.closed_at is 'When it was closed.';
comment on column pgq.batch_status.finished_at is 'When it was closed and its last job had ended.';
