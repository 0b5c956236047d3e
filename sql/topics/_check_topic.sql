/*
 * Raise unless this is the name of a topic, or a pattern where that is allowed.
 *
 * Neither a topic nor the name of a subscription has spaces, so that both can stand in front of a
 * unique key, and two different ones never make the same.
 */
create or replace function pgq._check_topic(topic text, may_be_pattern boolean)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(length(topic), 0) not between 1 and 100 or topic ~ '[[:space:]]' then
    raise exception 'the topic is empty, longer than 100 characters, or has spaces'
      using errcode = 'JQ002',
            hint = 'Pass a name such as orders.paid.';
  end if;
  if strpos(topic, '*') = 0 or may_be_pattern and topic ~ '^([^*]+[.])?[*]$' then
    return;
  end if;
  raise exception 'the topic % has a star', pgq._shorten(topic)
    using errcode = 'JQ002',
          hint = case
            when may_be_pattern then 'A pattern is *, or ends with .* as orders.* does.'
            else 'One publishes to one topic; subscriptions may have patterns.'
          end;
end
$$;

comment on function pgq._check_topic is
  'Raise unless this is the name of a topic, or a pattern where that is allowed.';
