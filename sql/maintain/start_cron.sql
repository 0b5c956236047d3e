/*
 * Let pg_cron do the housekeeping that a worker of the Python package does by itself: promote jobs
 * that are due, fire schedules, and maintain, once in each `every`. Answers pg_cron's job id. To
 * call it again changes the one job.
 *
 * pg_cron must be in this database, and the job runs with the rights of pgq's owner, who must be
 * allowed to log in. A worker beside it does no harm: all these calls skip what others do.
 */
create or replace function pgq.start_cron(every interval default '1 second')
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_every constant interval := coalesce(start_cron.every, '1 second');
  v_id bigint;
begin
  if not isfinite(v_every) or not v_every between interval '100 ms' and interval '50 seconds' then
    raise exception 'every is under 100 milliseconds, infinite or over 50 seconds'
      using errcode = 'JQ002',
            hint = 'Pass an interval such as 1 second.';
  end if;
  if not exists (select from pg_extension where extname = 'pg_cron') then
    raise exception 'pg_cron is not installed in this database'
      using errcode = 'JQ002',
            hint = 'Let a superuser add it to shared_preload_libraries, set cron.database_name to '
              'this database, restart the server, and create extension pg_cron.';
  end if;
  if not has_schema_privilege('cron', 'usage') then
    raise exception 'pgq''s owner may not use pg_cron'
      using errcode = 'JQ002',
            hint = format('Let a superuser run: grant usage on schema cron to %I;', current_user);
  end if;
  if not (select rolcanlogin from pg_roles where rolname = current_user) then
    raise exception 'pgq''s owner % may not log in', current_user
      using errcode = 'JQ002',
            hint = 'pg_cron connects as the owner: alter role ... login.';
  end if;
  v_id := cron.schedule(
    to_regnamespace('pgq')::text, '* * * * *', pgq._cron_command(v_every)
  );
  perform pgq._audit_call(
    'start_cron', v_id::text, jsonb_build_object('every', pgq._format_interval(v_every))
  );
  return v_id;
end
$$;

comment on function pgq.start_cron is
  'Let pg_cron promote due jobs, fire schedules and maintain; answers pg_cron''s job id.';
