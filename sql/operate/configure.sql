/*
 * Change settings of the whole queue system; null leaves one as it is.
 *
 * Without statistics outcomes are not noted: who follows them is refused from then on, also when
 * statistics are on again, and so knows that some are missing.
 *
 * With strict_tasks or strict_queues, enqueues with an unknown name are refused (JQ010). A task is
 * known by sync_tasks() or configure_task(), a queue by configure_queue() or as the default of a
 * known task.
 */
create or replace function pgq.configure(
  max_args_bytes bigint default null,
  keep_history_for interval default null,
  notify boolean default null,
  statistics text default null,
  strict_tasks boolean default null,
  strict_queues boolean default null
)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_given jsonb;
begin
  if configure.max_args_bytes < 1 then
    raise exception 'max_args_bytes is %', configure.max_args_bytes
      using errcode = 'JQ002',
            hint = 'Pass at least 1.';
  end if;
  if not isfinite(configure.keep_history_for)
    or not configure.keep_history_for between interval '1 day' and interval '100 years'
  then
    raise exception 'keep_history_for is under a day, infinite or over a hundred years'
      using errcode = 'JQ002',
            hint = 'Pass whole days, such as 14 days.';
  end if;
  if configure.statistics collate "default" not in ('on', 'off') then
    raise exception 'statistics is %', pgq._shorten(configure.statistics)
      using errcode = 'JQ002',
            hint = 'Pass on or off.';
  end if;
  update pgq.settings as setting
  set max_args_bytes = coalesce(configure.max_args_bytes, setting.max_args_bytes),
      keep_history_for = coalesce(configure.keep_history_for, setting.keep_history_for),
      notify = coalesce(configure.notify, setting.notify),
      statistics = coalesce(configure.statistics, setting.statistics),
      strict_tasks = coalesce(configure.strict_tasks, setting.strict_tasks),
      strict_queues = coalesce(configure.strict_queues, setting.strict_queues),
      followed_until = case
        when configure.statistics collate "default" = 'off' then '-infinity'
        else setting.followed_until
      end;
  v_given := jsonb_strip_nulls(jsonb_build_object(
    'max_args_bytes', configure.max_args_bytes,
    'keep_history_for', pgq._format_interval(configure.keep_history_for),
    'notify', configure.notify,
    'statistics', configure.statistics,
    'strict_tasks', configure.strict_tasks,
    'strict_queues', configure.strict_queues
  ));
  if v_given <> '{}' then
    perform pgq._audit_call('configure', options => v_given);
  end if;
end
$$;

comment on function pgq.configure is
  'Change settings of the whole queue system; null leaves one as it is.';
