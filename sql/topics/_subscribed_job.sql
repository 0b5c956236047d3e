/*
 * The task, the queue and the options of a subscription's jobs, checked by the rules of enqueue().
 *
 * A subscription has no options that belong to one event: when it happened, its key, its headers,
 * and what it depends on. So whatever the publisher says fits every subscription. It may be unique
 * by its payload, but no publish fails because of a job of an earlier one.
 */
create or replace function pgq._subscribed_job(task text, queue text, options jsonb)
  returns jsonb
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  c_allowed constant text[] collate "default" := '{
    priority,delay,max_attempts,backoff,timeout,expires_in,concurrency_key,concurrency_limit,
    concurrency_duration,concurrency_weight,concurrency_on_conflict,partition_key,declared,
    unique_by,unique_while,unique_for,on_conflict,max_wait}';
  v_job jsonb;
  v_unknown text collate "default";
begin
  if jsonb_typeof(options) <> 'object' then
    raise exception 'options are a JSON %', jsonb_typeof(options)
      using errcode = 'JQ002',
            hint = 'Pass an object, such as {"priority": -1}.';
  end if;
  v_unknown := (
    select key from jsonb_object_keys(options) as key where key <> all(c_allowed) limit 1
  );
  if v_unknown is not null then
    raise exception '% is no option of a subscription', pgq._shorten(v_unknown)
      using errcode = 'JQ002',
            hint = format('It may have %s.', array_to_string(c_allowed, ', '));
  end if;
  v_job := (
    select jsonb_build_object('task', task) || coalesce(jsonb_object_agg(key, value), '{}')
    from jsonb_each(options || jsonb_build_object('queue', queue))
    where value <> 'null'
  );
  if v_job ->> 'on_conflict' in ('raise', 'merge') then
    raise exception 'a subscription cannot have on_conflict %', v_job ->> 'on_conflict'
      using errcode = 'JQ002',
            hint = 'It would let publishes fail, or add to a payload what is the same: '
              'pass return, replace, bump or discard.';
  end if;
  perform pgq._check_jobs(jsonb_build_array(v_job));
  perform pgq._parse_backoff(v_job ->> 'backoff');
  return v_job;
end
$$;

comment on function pgq._subscribed_job is
  'The task, the queue and the options of a subscription''s jobs.';
