/*
 * Violations of: a closed batch has live jobs, or has finished, or has a note in releases.
 */
create or replace function pgq._verify_batches()
  returns table (violation text, job_id bigint, detail text)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select 'batch without live jobs that has not finished, and nobody knows', null::bigint,
    format('batch %s', batch.id)
  from pgq.batches as batch
  where batch.closed_at is not null
    and batch.finished_at is null
    and not exists (select from pgq.jobs as job where job.batch_id = batch.id)
    and not exists (select from pgq.releases as note where note.batch_id = batch.id)
  union all
  select 'live job of a batch that does not exist', job.id, format('batch %s', job.batch_id)
  from pgq.jobs as job
  where job.batch_id > (select coalesce(max(id), 0) from pgq.batches)
$$;

comment on function pgq._verify_batches is
  'Violations of: a closed batch has live jobs, or has finished, or has a note.';
