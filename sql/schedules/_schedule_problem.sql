/*
 * What is wrong with a schedule, apart from its job and its cron expression, as message and hint;
 * null if nothing is wrong.
 */
create or replace function pgq._schedule_problem(schedule pgq.schedules)
  returns text[]
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when coalesce(length(schedule.name), 0) not between 1 and 128 then array[
      'name is empty or longer than 128 characters', 'Give the schedule a short name.']
    when num_nonnulls(schedule.cron, schedule.every) = 0 then array[
      'neither cron nor every is given', 'Pass cron => ''0 3 * * *'' or every => ''5 minutes''.']
    when num_nonnulls(schedule.cron, schedule.every) = 2 then array[
      'both cron and every are given', 'Pass only one of them.']
    when schedule.every is not null and schedule.timezone is not null then array[
      'timezone is given with every', 'Only cron has a time zone: leave it out.']
    when not isfinite(schedule.every)
      or not schedule.every between interval '100 milliseconds' and interval '366 days' then array[
      'every is under 100 milliseconds, infinite or over 366 days',
      'Pass an interval such as 5 minutes.']
    when extract(year from schedule.every) <> 0 or extract(month from schedule.every) <> 0
    then array[
      'every has months or years, whose lengths differ',
      'Use cron, such as 0 0 1 * * or @monthly, or count in days.']
    when not schedule.starts_at between timestamptz '2000-01-01 00:00+00'
      and timestamptz '9949-01-01 00:00+00' then array[
      'starts_at is out of range', 'Pass a time between the years 2000 and 9948.']
    when schedule.catch_up not in ('skip', 'last', 'all') then array[
      format('catch_up is %s', schedule.catch_up), 'Pass skip, last or all.']
    when not isfinite(schedule.catch_up_window)
      or not schedule.catch_up_window between interval '1 minute' and interval '1 year' then array[
      'catch_up_window is under a minute, infinite or over a year',
      'Pass an interval such as 1 day.']
    when schedule.overlap not in ('allow', 'skip') then array[
      format('overlap is %s', schedule.overlap), 'Pass allow or skip.']
    when length(schedule.description) > 1000 then array[
      'description is longer than 1000 characters', 'Pass a shorter text.']
  end;
end
$$;

comment on function pgq._schedule_problem is
  'What is wrong with a schedule, apart from its job and its cron expression.';
