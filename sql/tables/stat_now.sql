/*
 * What is sampled together with the depths of the queues, but is only used while it is new. It has
 * one row, which the first sample makes.
 */
create table pgq.stat_now (
  only_row boolean not null default true,
  at timestamptz not null,
  semaphores bigint not null,
  semaphore_waiters bigint not null,
  checks jsonb not null,
  constraint stat_now_pkey primary key (only_row),
  constraint stat_now_has_one_row check (only_row)
) with (fillfactor = 20);

comment on table pgq.stat_now is 'The newest sample of what is not kept.';
comment on column pgq.stat_now.only_row is 'Makes a second row impossible.';
comment on column pgq.stat_now.at is 'When.';
comment on column pgq.stat_now.semaphores is
  'How many semaphores are in use, among the first 10,000 jobs that hold one.';
comment on column pgq.stat_now.semaphore_waiters is
  'How many jobs wait for a semaphore, counted up to 10,000.';
comment on column pgq.stat_now.checks is 'The rows of health(), with nothing hidden.';
