/*
 * Make a job for each subscription to a topic whose filter the payload fits, in the caller's
 * transaction, all or none; answer them by subscription. No row: nobody has subscribed.
 *
 * The payload is the args of the jobs, and their headers name the topic. The options are those of
 * enqueue() but for the queue, as a JSON object, and go before those of the subscriptions. A
 * unique_key is one for each topic and subscription.
 *
 * It locks no subscription. One that is committed after the call's snapshot was taken gets no job.
 */
create or replace function pgq.publish(
  topic text,
  payload anycompatible default '{}'::text,
  options text default null
)
  returns table (id bigint, created boolean, subscription text)
  language plpgsql
as $$
#variable_conflict use_column
begin
  return query
  select made.id, made.created, made.subscription
  from pgq._publish(
    publish.topic collate pg_catalog."default", pgq._to_json(publish.payload, 'the payload'),
    publish.options collate pg_catalog."default"
  ) as made;
end
$$;

comment on function pgq.publish is
  'Make a job for each subscription to a topic that the payload fits; answers them.';
