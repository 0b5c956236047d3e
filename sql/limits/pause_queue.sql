/*
 * Stop claims from a queue, for a while or until resume_queue(). It writes one row, however many
 * jobs wait. Enqueueing goes on, running jobs finish, and a claim that has already begun may still
 * take jobs. An unknown queue is paused too, with a notice.
 */
create or replace function pgq.pause_queue(queue text, duration interval default null)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := pgq._now();
begin
  if pause_queue.queue is null or length(pause_queue.queue) not between 1 and 128 then
    raise exception 'queue is empty or longer than 128 characters'
      using errcode = 'JQ002',
            hint = 'Name one queue.';
  end if;
  if not isfinite(pause_queue.duration)
    or not pause_queue.duration between interval '1 millisecond' and interval '100 years'
  then
    raise exception 'duration is not positive, infinite or over a hundred years'
      using errcode = 'JQ002',
            hint = 'Pass an interval such as 15 minutes, or nothing.';
  end if;
  perform pgq._notice_unknown_queue(pause_queue.queue collate "default");
  insert into pgq.queues as configured (name, paused_at, paused_until)
  values (pause_queue.queue, v_now, pgq._add_interval(v_now, pause_queue.duration))
  on conflict (name) do update
  set paused_at = case
        when configured.paused_until <= v_now then v_now
        else coalesce(configured.paused_at, v_now)
      end,
      paused_until = excluded.paused_until,
      pauses = case
        when configured.paused_until <= v_now
        then pgq._past_pauses(
          configured.pauses, configured.paused_at, configured.paused_until, v_now
        )
        else configured.pauses
      end;
  perform pgq._audit_call(
    'pause_queue', pause_queue.queue,
    jsonb_build_object('duration', pgq._format_interval(pause_queue.duration))
  );
end
$$;

comment on function pgq.pause_queue is
  'Stop claims from a queue, for a while or until resume_queue().';
