create table pgq.settings (
  only_row boolean not null default true,
  max_args_bytes bigint not null default 1048576,
  keep_history_for interval not null default '14 days',
  notify boolean not null default true,
  statistics text not null default 'on',
  followed_until timestamptz not null default '-infinity',
  followed_from bigint not null default 0,
  task_filter bit(1024) not null default repeat('0', 1024)::bit(1024),
  strict_tasks boolean not null default false,
  strict_queues boolean not null default false,
  constraint settings_pkey primary key (only_row),
  constraint settings_has_one_row check (only_row),
  constraint settings_max_args_bytes_is_positive check (max_args_bytes > 0),
  constraint settings_keep_history_for_is_at_least_a_day check (
    isfinite(keep_history_for) and keep_history_for >= interval '1 day'
  ),
  constraint settings_statistics_are_on_or_off check (statistics in ('on', 'off'))
);

insert into pgq.settings default values;

comment on table pgq.settings is 'The one row of settings; change it with configure().';
comment on column pgq.settings.only_row is 'Makes a second row impossible; a new one replaces it.';
comment on column pgq.settings.max_args_bytes is
  'Largest args (or headers) of a job, in bytes as stored.';
comment on column pgq.settings.keep_history_for is
  'How long finished jobs stay in job_history; whole days are dropped.';
comment on column pgq.settings.notify is
  'Whether ready work wakes idle workers by NOTIFY; without it they poll.';
comment on column pgq.settings.statistics is
  'on: each outcome is counted, see stats(); off: none is.';
comment on column pgq.settings.followed_until is
  'Until when settles note their jobs for outcome_log: somebody follows.';
comment on column pgq.settings.followed_from is
  'Outcomes up to this id are not in outcome_log, or not all of them.';
comment on column pgq.settings.task_filter is
  'A bit for the hash of each task that has had defaults: other tasks are not looked up.';
comment on column pgq.settings.strict_tasks is 'Whether jobs of unknown tasks are refused.';
comment on column pgq.settings.strict_queues is 'Whether jobs for unknown queues are refused.';
