/*
 * What publish does once the payload is jsonb: the part with the owner's rights.
 *
 * An option of the publisher replaces all of the subscription that go together with it, so that two
 * which fit each alone never make a job that is refused.
 */
create or replace function pgq._publish(topic text, payload jsonb, options text)
  returns table (id bigint, created boolean, subscription text)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_topic constant text collate "default" := _publish.topic;
  v_payload constant jsonb := coalesce(_publish.payload, '{}');
  v_common jsonb;
  v_replaced text[] collate "default" := '{}';
  v_names text[];
  v_jobs jsonb[];
begin
  perform pgq._check_topic(v_topic, false);
  v_common := pgq._published_options(
    v_topic, v_payload, pgq._parse_json(_publish.options, 'options')
  );
  if v_common ? 'run_at' then
    v_replaced := '{delay}';
  end if;
  if v_common ?| '{concurrency_key,concurrency_limit,concurrency_duration,concurrency_weight,
    concurrency_on_conflict,concurrency_order}'
  then
    v_replaced := v_replaced || '{concurrency_key,concurrency_limit,concurrency_duration,
      concurrency_weight,concurrency_on_conflict,concurrency_order}'::text[];
  end if;
  if v_common ?| '{unique_key,unique_by,unique_while,unique_for,on_conflict,max_wait}' then
    v_replaced := v_replaced || '{unique_by,unique_while,unique_for,on_conflict,max_wait}'::text[];
  end if;

  select array_agg(name order by topic collate "C", name collate "C"),
    array_agg(job - v_replaced || case
      when v_common ? 'unique_key' then jsonb_build_object('unique_key', format(
        'topic:%s %s %s %s', v_topic, topic, name, v_common ->> 'unique_key'
      ))
      else '{}'
    end order by topic collate "C", name collate "C")
  into v_names, v_jobs
  from pgq.topic_subscriptions
  where topic = any(pgq._topic_and_patterns(v_topic))
    and (filter is null or v_payload @> filter);
  if v_names is null then
    perform pgq._check_jobs(jsonb_build_array(v_common || jsonb_build_object('task', v_topic)));
    perform pgq._parse_backoff(v_common ->> 'backoff');
    return;
  end if;
  if cardinality(v_names) * octet_length(v_common::text)::bigint > 100000000 then
    raise exception 'the payload is too large for % subscriptions', cardinality(v_names)
      using errcode = 'JQ002',
            hint = 'All jobs together may have 100 MB: store the data and pass its key.';
  end if;

  return query
  select made.id, made.created, v_names[made.place]
  from pgq._enqueue_many((
    select jsonb_agg(job || (v_common - 'unique_key') order by place)
    from unnest(v_jobs) with ordinality as each (job, place)
  )) with ordinality as made (id, created, place);
end
$$;

comment on function pgq._publish is 'What publish does once the payload is jsonb.';
