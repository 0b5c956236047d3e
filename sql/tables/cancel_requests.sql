/*
 * A separate table, into which cancel() only inserts, so that a cancel in a transaction that stays
 * open delays no settle. If the job goes back to waiting before the request commits, maintain()
 * cancels it there.
 */
create table pgq.cancel_requests (
  job_id bigint not null,
  requested_at timestamptz not null,
  id bigint generated always as identity,
  constraint cancel_requests_pkey primary key (job_id, id)
);

comment on table pgq.cancel_requests is 'Running jobs that somebody asked to cancel.';
comment on column pgq.cancel_requests.job_id is 'The job.';
comment on column pgq.cancel_requests.requested_at is 'When it was asked for.';
comment on column pgq.cancel_requests.id is
  'Makes each row unique, so that two sessions that ask for the same never wait for each other.';
