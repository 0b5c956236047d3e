/*
 * What pg_cron runs each minute: for almost a minute it promotes, fires schedules and maintains,
 * once in each `every`, and sooner where a job is due sooner.
 *
 * Each call is a transaction. If one fails, pg_cron's log has its error, and the others go on. A
 * statement_timeout of the role would end the whole, so it stops before that by itself. At the end
 * it deletes what pg_cron noted of this job's runs longer than a week ago, as nobody else does.
 */
create or replace function pgq._cron_command(every interval)
  returns text
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select format('do $housekeeping$
declare
  v_from constant timestamptz := clock_timestamp();
  v_until constant timestamptz := v_from + least(
    interval ''58 seconds'',
    0.7 * nullif(current_setting(''statement_timeout'')::interval, interval ''0'')
  );
  v_due timestamptz;
begin
  loop
    begin
      v_due := (select next_due_at from pgq.promote_due());
    exception
      when others then raise warning ''promote_due: %%'', sqlerrm;
    end;
    commit;
    begin
      perform from pgq.fire_due_schedules();
    exception
      when others then raise warning ''fire_due_schedules: %%'', sqlerrm;
    end;
    commit;
    begin
      perform from pgq.maintain();
    exception
      when others then raise warning ''maintain: %%'', sqlerrm;
    end;
    commit;
    v_due := least(v_due, clock_timestamp() + make_interval(secs => %s));
    exit when v_due > v_until;
    perform pg_catalog.pg_sleep(greatest(extract(epoch from v_due - clock_timestamp()), 0.01));
  end loop;
  delete from cron.job_run_details
  where end_time < v_from - interval ''7 days''
    and jobid in (select jobid from cron.job where jobname = %L);
end $housekeeping$', extract(epoch from every), to_regnamespace('pgq')::text)
$$;

comment on function pgq._cron_command is 'What pg_cron runs each minute for start_cron().';
