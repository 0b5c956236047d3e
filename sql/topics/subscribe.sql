/*
 * Let each publish to a topic make a job of a task; answer added, changed or unchanged. Without a
 * change nothing is locked, so each process of a program may call it when it starts.
 *
 * The topic may be a pattern: orders.* stands for all whose names begin with orders., and * for all
 * topics. The filter is a JSON object that a payload must contain, as jsonb's @> has it. A
 * subscription is known by its topic and its name, which is the task if none is given: to subscribe
 * again moves it to another queue, and makes no second one.
 */
create or replace function pgq.subscribe(
  topic text,
  task text,
  queue text default null,
  filter text default null,
  name text default null,
  options text default null
)
  returns text
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  v_topic constant text collate "default" := subscribe.topic;
  v_name constant text collate "default" := coalesce(subscribe.name, subscribe.task);
  v_filter constant jsonb := pgq._parse_json(subscribe.filter, 'the filter');
  v_job jsonb;
  v_was pgq.topic_subscriptions;
begin
  perform pgq._check_topic(v_topic, true);
  v_job := pgq._subscribed_job(
    subscribe.task collate "default", subscribe.queue collate "default",
    coalesce(pgq._parse_json(subscribe.options, 'options'), '{}')
  );
  if length(v_name) not between 1 and 100 or v_name ~ '[[:space:]]' then
    raise exception 'the name of the subscription is empty, over 100 characters, or has spaces'
      using errcode = 'JQ002',
            hint = 'It is the task if none is given: pass a short name.';
  end if;
  if jsonb_typeof(v_filter) <> 'object' or pg_column_size(v_filter) > 10000
    or pgq._json_problem(v_filter) is not null
  then
    raise exception 'the filter is no JSON object, or over 10000 bytes or 64 levels'
      using errcode = 'JQ002',
            hint = 'Pass what a payload must contain, such as {"state": "paid"}.';
  end if;

  select * into v_was from pgq.topic_subscriptions where topic = v_topic and name = v_name;
  if v_was.job = v_job and v_was.filter is not distinct from v_filter then
    return 'unchanged';
  end if;
  if v_was is null and (
    select count(*) = 1000
    from (select from pgq.topic_subscriptions where topic = v_topic limit 1000) as others
  ) then
    raise exception 'the topic % has 1000 subscriptions', v_topic
      using errcode = 'JQ002',
            hint = 'End some with unsubscribe(), or let one job enqueue the others.';
  end if;
  insert into pgq.topic_subscriptions (topic, name, job, filter, created_at)
  values (v_topic, v_name, v_job, v_filter, pgq._now())
  on conflict on constraint topic_subscriptions_pkey do update
  set job = excluded.job, filter = excluded.filter;
  perform pgq._audit_call('subscribe', format('%s %s', v_topic, v_name), jsonb_build_object(
    'change', case when v_was is null then 'added' else 'changed' end,
    'task', v_job ->> 'task', 'queue', v_job ->> 'queue'
  ));
  return case when v_was is null then 'added' else 'changed' end;
end
$$;

comment on function pgq.subscribe is
  'Let each publish to a topic make a job of a task; answers added, changed or unchanged.';
