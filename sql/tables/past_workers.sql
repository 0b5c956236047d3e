/*
 * Workers that have left, so that their jobs can say by name who ran them. Filled by a trigger, so
 * that nobody can forget it who deletes a worker.
 */
create table pgq.past_workers (
  id bigint not null,
  name text not null,
  host text,
  pid bigint,
  started_at timestamptz not null,
  left_at timestamptz not null,
  constraint past_workers_pkey primary key (id)
);

comment on table pgq.past_workers is
  'Workers that have left: the last ten thousand, for thirty days.';
comment on column pgq.past_workers.id is 'As in workers.';
comment on column pgq.past_workers.name is 'As in workers.';
comment on column pgq.past_workers.host is 'As in workers.';
comment on column pgq.past_workers.pid is 'As in workers.';
comment on column pgq.past_workers.started_at is 'As in workers.';
comment on column pgq.past_workers.left_at is 'When it left or was given up.';
