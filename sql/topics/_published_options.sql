/*
 * The options that the jobs of a publish have in common, as enqueue_many() takes them; the unique
 * key is still the publisher's. Here is said what enqueue_many() cannot know; it checks the rest.
 */
create or replace function pgq._published_options(topic text, payload jsonb, options jsonb)
  returns jsonb
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_known constant jsonb := to_jsonb(jsonb_populate_record(null::pgq.job_options, '{}'))
    - '{new_id,ref,task,args,queue}'::text[];
  v_unknown text collate "default";
  v_common jsonb;
begin
  if options is null then
    return jsonb_build_object('args', payload, 'headers', jsonb_build_object('topic', topic));
  end if;
  if jsonb_typeof(options) <> 'object' then
    raise exception 'options are a JSON %', jsonb_typeof(options)
      using errcode = 'JQ002',
            hint = 'Pass an object, such as {"delay": "5 minutes"}.';
  end if;
  v_unknown := (
    select key from jsonb_object_keys(options) as key where not v_known ? key limit 1
  );
  if v_unknown is not null then
    raise exception '% is no option of publish', pgq._shorten(v_unknown)
      using errcode = 'JQ002',
            hint = 'A publish has the options of enqueue() but for its queue.';
  end if;
  if length(options ->> 'unique_key') not between 1 and 200 then
    raise exception 'unique_key is empty or longer than 200 characters'
      using errcode = 'JQ001',
            hint = 'Pass a hash of it: topic and subscription stand before it.';
  end if;
  v_common := (
    select jsonb_build_object('args', payload, 'headers', '{}'::jsonb)
      || coalesce(jsonb_object_agg(key, value), '{}')
    from jsonb_each(options)
    where value <> 'null'
  );
  if jsonb_typeof(v_common -> 'headers') = 'object' then
    v_common := jsonb_set(v_common, '{headers,topic}', to_jsonb(topic));
  end if;
  return v_common;
end
$$;

comment on function pgq._published_options is
  'The options that the jobs of a publish have in common, as enqueue_many() takes them.';
