/*
 * What subscriptions to a topic may be called: of a.b.c it is a.b.c, a.b.*, a.* and *. So a publish
 * searches an index for a few names, and reads no subscription to other topics.
 */
create or replace function pgq._topic_and_patterns(topic text)
  returns text[]
  language sql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
  select array_agg(
    array_to_string(parts[1:places - 1], '.') || '.*'
  ) filter (where places > 1) || array[topic, '*']
  from string_to_array(topic, '.') as parts
  cross join lateral generate_series(1, cardinality(parts)) as places
$$;

comment on function pgq._topic_and_patterns is 'What subscriptions to a topic may be called.';
