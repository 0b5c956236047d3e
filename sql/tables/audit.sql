/*
 * A row is inserted in the transaction of the call that it is about. Nobody but the owner may
 * change or delete a row; maintain() deletes old ones.
 */
create table pgq.audit (
  id bigint generated always as identity,
  at timestamptz not null,
  login text not null,
  actor text,
  address inet,
  action text not null,
  target text,
  options jsonb,
  ids bigint[],
  affected bigint,
  outcomes jsonb,
  operation_id bigint,
  constraint audit_pkey primary key (id),
  constraint audit_rows_are_small check (
    length(actor) <= 200 and length(target) <= 512 and cardinality(ids) <= 100
  )
);

create index audit_at_idx on pgq.audit (at);

comment on table pgq.audit is 'Who changed what, by calls that operators may make; kept 90 days.';
comment on column pgq.audit.id is 'Rises in the order of the calls, roughly.';
comment on column pgq.audit.at is 'When.';
comment on column pgq.audit.login is 'The role that the session logged in as.';
comment on column pgq.audit.actor is
  'Who it was, as the application says in its setting pgq.actor.';
comment on column pgq.audit.address is
  'The address that the session came from; null for a socket on the server itself.';
comment on column pgq.audit.action is 'The function that was called.';
comment on column pgq.audit.target is
  'The queue, schedule, source, worker, semaphore, unique key or batch that it was about.';
comment on column pgq.audit.options is 'What else was given, but no arguments of jobs.';
comment on column pgq.audit.ids is 'The jobs that were changed or made, the first hundred of them.';
comment on column pgq.audit.affected is
  'How many those were; for prune, how many partitions; null if they are not counted.';
comment on column pgq.audit.outcomes is 'How often each outcome was answered.';
comment on column pgq.audit.operation_id is 'The bulk operation that it began or stopped.';
