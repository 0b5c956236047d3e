/*
 * How much of the time from then to now a queue was not paused; null where then is.
 */
create or replace function pgq._unpaused_time(queue text, since timestamptz, now_at timestamptz)
  returns interval
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return now_at - since - coalesce(
    (
      select sum(upper(pause) - lower(pause))
      from pgq.queues as configured
      cross join lateral unnest(
        pgq._past_pauses(
          configured.pauses, configured.paused_at, configured.paused_until, now_at
        ) * tstzmultirange(tstzrange(since, now_at))
      ) as pause
      where configured.name = _unpaused_time.queue
    ),
    interval '0'
  );
end
$$;

comment on function pgq._unpaused_time is
  'How much of the time from then to now a queue was not paused.';
