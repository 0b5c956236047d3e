/*
 * Only inserted into by those who wait, so that they lock nothing. A row goes when its job ends.
 */
create table pgq.awaited (
  job_id bigint not null,
  until_at timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

create index awaited_job_idx on pgq.awaited (job_id);
create index awaited_until_idx on pgq.awaited (until_at);

comment on table pgq.awaited is 'Live jobs of whose end somebody wants to be notified.';
comment on column pgq.awaited.job_id is 'The job.';
comment on column pgq.awaited.until_at is 'How long.';
