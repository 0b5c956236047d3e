/*
 * How many jobs of a batch are in which state: one row, or none for an unknown batch. A job that
 * has ended counts for ever, even if it is discarded or dropped with the history. A waiting job
 * that is discarded, also by clear_queue(), is in none of the numbers.
 */
create or replace function pgq.batch_progress(batch_id bigint)
  returns table (
    total bigint,
    waiting bigint,
    running bigint,
    succeeded bigint,
    failed bigint,
    cancelled bigint,
    expired bigint,
    finished_at timestamptz
  )
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
as $$
#variable_conflict use_column
begin
  return query
  select live.jobs + ended.succeeded + ended.failed + ended.cancelled + ended.expired,
    live.jobs - claims.jobs, claims.jobs,
    ended.succeeded, ended.failed, ended.cancelled, ended.expired, batch.finished_at
  from pgq.batches as batch
  cross join lateral (
    select count(*) as jobs from pgq.jobs as job where job.batch_id = batch.id offset 0
  ) as live
  cross join lateral (
    select count(*) as jobs
    from pgq.running as claim
    where (select job.batch_id from pgq.jobs as job where job.id = claim.job_id) = batch.id
    offset 0
  ) as claims
  cross join lateral (
    select
      batch.forgotten_succeeded + count(*) filter (where state = 'succeeded') as succeeded,
      batch.forgotten_failed + count(*) filter (where state = 'failed') as failed,
      batch.forgotten_cancelled + count(*) filter (where state = 'cancelled') as cancelled,
      batch.forgotten_expired + count(*) filter (where state = 'expired') as expired
    from pgq.job_history as past
    where past.batch_id = batch.id
    offset 0
  ) as ended
  where batch.id = batch_progress.batch_id;
end
$$;

comment on function pgq.batch_progress is 'How many jobs of a batch are in which state.';
