/*
 * Change the options of one queue, which may have no jobs yet. Null leaves an option as it is;
 * "default" resets the backoff, and -1 removes a number. Options also apply to jobs that are
 * already in the queue; limits apply from the next claim on. If it holds more than 100,000 jobs,
 * maintain() handles the rest: until then, claims from a queue that has become fair do not find
 * them.
 */
create or replace function pgq.configure_queue(
  queue text,
  backoff text default null,
  max_running bigint default null,
  rate_limit bigint default null,
  rate_interval interval default null,
  rate_burst bigint default null,
  rate_per_key boolean default null,
  fair boolean default null
)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_problem constant text[] := case
    when queue is null or length(queue) not between 1 and 128
    then array['queue is empty or longer than 128 characters', 'Name one queue.']
    else pgq._limits_problem(max_running, rate_limit, rate_interval, rate_burst)
  end;
  v_hint text;
begin
  if v_problem is not null then
    raise exception '%', v_problem[1]
      using errcode = 'JQ002',
            hint = v_problem[2];
  end if;
  perform pgq._notice_unknown_queue(queue collate "default");
  perform pgq._write_queue_options(
    queue collate "default", pgq._parse_backoff(nullif(backoff collate "default", 'default')),
    backoff is not null, max_running, rate_limit, rate_interval, rate_burst, rate_per_key, fair
  );
  if max_running >= 0 then
    perform pgq._mark_running_limited(array[queue] collate "default", 100000);
  end if;
  if fair or rate_per_key then
    perform pgq._set_missing_tenant_keys(queue collate "default", 100000);
  end if;
  perform pgq._wake_workers(array[queue] collate "default");
  perform pgq._audit_call('configure_queue', queue, jsonb_build_object(
    'backoff', backoff, 'max_running', max_running, 'rate_limit', rate_limit,
    'rate_interval', pgq._format_interval(rate_interval), 'rate_burst', rate_burst,
    'rate_per_key', rate_per_key, 'fair', fair
  ));
exception
  -- The checks of jobs raise JQ001; here an argument is wrong.
  when sqlstate 'JQ001' then
    get stacked diagnostics v_hint = pg_exception_hint;
    raise exception '%', sqlerrm
      using errcode = 'JQ002',
            hint = v_hint;
end
$$;

comment on function pgq.configure_queue is
  'Change the options of one queue; null leaves one as it is, default or -1 removes it.';
