create table pgq.stat_series (
  queue text not null,
  task text not null,
  last_day date not null,
  constraint stat_series_pkey primary key (queue, task)
) with (fillfactor = 80);

create index stat_series_last_day_idx on pgq.stat_series (last_day);

comment on table pgq.stat_series is
  'The queues and tasks that are counted by name: a thousand pairs a day; the rest is (other).';
comment on column pgq.stat_series.queue is 'The queue.';
comment on column pgq.stat_series.task is 'The task.';
comment on column pgq.stat_series.last_day is 'The last day, in UTC, on which it was counted.';
