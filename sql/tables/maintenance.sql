create table pgq.maintenance (
  step text not null,
  place integer not null,
  every interval not null,
  due_at timestamptz not null default '-infinity',
  constraint maintenance_pkey primary key (step)
) with (fillfactor = 50);

comment on table pgq.maintenance is
  'When each step of maintain() is due; whoever locks the row first does the step.';
comment on column pgq.maintenance.step is 'The step.';
comment on column pgq.maintenance.place is
  'Its place among the steps; the one with the strongest locks is last.';
comment on column pgq.maintenance.every is 'How often it runs.';
comment on column pgq.maintenance.due_at is 'Not before this time.';

insert into pgq.maintenance (step, place, every)
values
  ('rescue', 1, '750 milliseconds'),
  ('stray', 2, '10 seconds'),
  ('timeout', 3, '5 seconds'),
  ('cancel', 4, '5 seconds'),
  ('expire', 5, '1 second'),
  ('slot', 6, '1 second'),
  ('mark', 7, '1 second'),
  ('scheduled_mark', 8, '1 second'),
  ('notify', 9, '1 minute'),
  ('stamp', 10, '10 minutes'),
  ('schedule_runs', 11, '10 seconds'),
  ('window', 12, '1 minute'),
  ('batch', 13, '1 minute'),
  ('awaited', 14, '10 seconds'),
  ('limit', 15, '1 minute'),
  ('partition', 16, '1 hour');
