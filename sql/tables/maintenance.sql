create table pgq.maintenance (
  step text not null,
  place integer not null,
  every interval not null,
  most bigint,
  due_at timestamptz not null default '-infinity',
  failures bigint not null default 0,
  failing_since timestamptz,
  last_error text,
  constraint maintenance_pkey primary key (step),
  constraint maintenance_every_is_of_one_length check (
    extract(year from every) = 0 and extract(month from every) = 0 and extract(day from every) = 0
  ),
  constraint maintenance_fails_with_an_error check (
    (failures > 0) = (last_error is not null) and (failures > 0) = (failing_since is not null)
  )
) with (fillfactor = 50);

comment on table pgq.maintenance is
  'When each step of maintain() is due; the session that locks the row first does the step.';
comment on column pgq.maintenance.step is 'The step.';
comment on column pgq.maintenance.place is
  'Its place among the steps; those with the strongest locks are last.';
comment on column pgq.maintenance.every is 'How often it runs.';
comment on column pgq.maintenance.most is
  'How much one run does at most; after that much the step is due again at once. Null: all.';
comment on column pgq.maintenance.due_at is
  'When it is due; a time that is further away than one period counts as due.';
comment on column pgq.maintenance.failures is 'How many times in a row it has failed.';
comment on column pgq.maintenance.failing_since is 'Since when it fails; null: it works.';
comment on column pgq.maintenance.last_error is 'Its last error, the SQLSTATE first.';

insert into pgq.maintenance (step, place, every, most)
values
  ('clock', 0, '10 seconds', 500),
  ('rescue', 1, '750 milliseconds', 1000),
  ('stray', 2, '10 seconds', 1000),
  ('timeout', 3, '5 seconds', 1000),
  ('cancel', 4, '5 seconds', 1000),
  ('expire', 5, '1 second', 5000),
  ('slot', 6, '1 second', 1000),
  ('mark', 7, '1 second', null),
  ('id_mark', 8, '1 second', null),
  ('key_mark', 9, '1 minute', 10000),
  ('task_mark', 9, '1 minute', 10000),
  ('notify', 10, '1 minute', null),
  ('stamp', 11, '10 minutes', 10000),
  ('schedule_runs', 12, '10 seconds', 10000),
  ('window', 13, '1 minute', 10000),
  ('batch', 14, '1 minute', 1000),
  ('awaited', 15, '10 seconds', 10000),
  ('limit', 16, '1 minute', 10000),
  ('past_worker', 17, '1 hour', 10000),
  ('audit', 18, '10 minutes', 10000),
  ('bulk', 19, '1 second', 1000),
  ('bulk_prune', 20, '1 hour', 1000),
  ('depth', 21, '10 seconds', null),
  ('depth_prune', 22, '10 minutes', 10000),
  ('statistics', 23, '5 seconds', 20000),
  ('stat_prune', 24, '10 minutes', 10000),
  ('error_prune', 25, '1 hour', 10000),
  ('outcome_log', 26, '1 minute', 10000),
  ('history', 27, '10 minutes', 10000),
  -- Those that take strong locks stay last.
  ('partition', 98, '1 hour', 30),
  ('prune', 99, '1 hour', 10000);
