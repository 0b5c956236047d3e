/*
 * Write the options of a queue; null leaves one as it is, -1 sets it to null.
 */
create or replace function pgq._write_queue_options(
  queue text,
  new_backoff jsonb,
  sets_backoff boolean,
  max_running bigint,
  rate_limit bigint,
  rate_interval interval,
  rate_burst bigint,
  rate_per_key boolean,
  fair boolean
)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into pgq.queues (name)
  values (queue)
  on conflict (name) do nothing;

  update pgq.queues as configured
  set backoff = case when sets_backoff then new_backoff else configured.backoff end,
      max_running = nullif(coalesce(_write_queue_options.max_running, configured.max_running), -1),
      rate_limit = nullif(coalesce(_write_queue_options.rate_limit, configured.rate_limit), -1),
      rate_interval = coalesce(_write_queue_options.rate_interval, configured.rate_interval),
      rate_burst = nullif(coalesce(_write_queue_options.rate_burst, configured.rate_burst), -1),
      rate_per_key = coalesce(_write_queue_options.rate_per_key, configured.rate_per_key),
      fair = coalesce(_write_queue_options.fair, configured.fair)
  where configured.name = queue collate "default";
end
$$;

comment on function pgq._write_queue_options is
  'Write the options of a queue; null leaves one as it is, -1 sets it to null.';
