/*
 * Pause the jobs of a queue that have a partition key. Only claims of a queue that serves its keys
 * in turn look at a job's key. So the pause of another queue's key is refused.
 */
create or replace function pgq._pause_partition(
  queue text,
  partition_key text,
  duration interval
)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if length(partition_key) not between 1 and 512 then
    raise exception 'partition_key is empty or longer than 512 characters'
      using errcode = 'JQ002',
            hint = 'Name one key, or pause the whole queue.';
  elsif pgq._tenant_key(queue) is null then
    raise exception 'queue % does not serve its partition keys in turn', pgq._shorten(queue)
      using errcode = 'JQ002',
            hint = format('select pgq.configure_queue(%L, fair => true);', left(queue, 128));
  end if;
  perform pgq._set_pause('partition', queue, partition_key, duration);
  perform pgq._audit_call(
    'pause_queue', queue,
    jsonb_build_object(
      'duration', pgq._format_interval(duration), 'partition_key', partition_key
    )
  );
end
$$;

comment on function pgq._pause_partition is
  'Pause the jobs of a queue that have a partition key.';
