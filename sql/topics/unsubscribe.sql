/*
 * End a subscription; answer false when there is none. Its jobs that are there already are left
 * alone, and so are those of a transaction that has published and is still open.
 */
create or replace function pgq.unsubscribe(topic text, name text)
  returns boolean
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  delete from pgq.topic_subscriptions
  where topic = unsubscribe.topic collate "default"
    and name = unsubscribe.name collate "default";
  if not found then
    return false;
  end if;
  perform pgq._audit_call(
    'unsubscribe', format('%s %s', unsubscribe.topic, unsubscribe.name)
  );
  return true;
end
$$;

comment on function pgq.unsubscribe is 'End a subscription; answers false when there is none.';
