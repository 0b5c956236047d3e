create table pgq.stat_depth_hours (
  hour timestamptz not null,
  queue text not null,
  ready bigint not null,
  scheduled bigint not null,
  blocked bigint not null,
  running bigint not null,
  lag interval,
  estimated boolean not null,
  constraint stat_depth_hours_pkey primary key (hour, queue)
) with (fillfactor = 80);

comment on table pgq.stat_depth_hours is
  'The highest numbers of each hour, once its rows of stat_depths are gone.';
comment on column pgq.stat_depth_hours.hour is 'When the hour began.';
comment on column pgq.stat_depth_hours.queue is 'As in stat_depths.';
comment on column pgq.stat_depth_hours.ready is 'Most jobs that waited for a worker.';
comment on column pgq.stat_depth_hours.scheduled is 'Most jobs whose time had not come.';
comment on column pgq.stat_depth_hours.blocked is 'Most jobs that waited for other jobs.';
comment on column pgq.stat_depth_hours.running is 'Most jobs that were claimed.';
comment on column pgq.stat_depth_hours.lag is 'The longest lag.';
comment on column pgq.stat_depth_hours.estimated is 'Whether a number is an estimate.';
