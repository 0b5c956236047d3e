/*
 * Apart from running and only ever inserted into, so that a cancel in a transaction that stays
 * open holds up no settle. A request outlives the attempt: should the job go back to waiting
 * before the request commits, maintain() cancels it there.
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
  'Makes each row one of its own, so that nobody waits for another who asks the same.';
