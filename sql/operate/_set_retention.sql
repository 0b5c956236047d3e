/*
 * Change one row of the retention, and delete it if nothing is left in it. Locks that row.
 */
create or replace function pgq._set_retention(
  queue text,
  task text,
  succeeded interval,
  failed interval,
  cancelled interval,
  results interval,
  schedule_history interval,
  reset text[]
)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_all constant boolean := 'all' = any(reset);
begin
  insert into pgq.retention (queue, task)
  values (_set_retention.queue, _set_retention.task)
  on conflict do nothing;
  update pgq.retention as known
  set succeeded = coalesce(_set_retention.succeeded, case
        when not v_all and 'succeeded' <> all(reset) then known.succeeded
      end),
      failed = coalesce(_set_retention.failed, case
        when not v_all and 'failed' <> all(reset) then known.failed
      end),
      cancelled = coalesce(_set_retention.cancelled, case
        when not v_all and 'cancelled' <> all(reset) then known.cancelled
      end),
      results = coalesce(_set_retention.results, case
        when not v_all and 'results' <> all(reset) then known.results
      end),
      schedule_history = coalesce(_set_retention.schedule_history, case
        when not v_all and 'schedule_history' <> all(reset) then known.schedule_history
      end)
  where known.queue = _set_retention.queue
    and known.task = _set_retention.task;
  delete from pgq.retention as known
  where known.queue = _set_retention.queue
    and known.task = _set_retention.task
    and num_nonnulls(
      known.succeeded, known.failed, known.cancelled, known.results, known.schedule_history
    ) = 0;
end
$$;

comment on function pgq._set_retention is 'Change one row of the retention.';
