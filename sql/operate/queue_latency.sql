/*
 * How long the oldest ready job of a queue has been waiting, not counting the time in which the
 * queue was paused, because no worker could run it then. Null if no job waits. It does not read
 * pauses before the last hundred.
 */
create or replace function pgq.queue_latency(queue text)
  returns interval
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
begin
  return pgq._lag(queue_latency.queue collate "default", pgq._now());
end
$$;

comment on function pgq.queue_latency is
  'How long the oldest ready job of a queue has been waiting, not counting its pauses.';
