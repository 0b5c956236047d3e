/*
 * Stop claims from a queue, for a while or until resume_queue(). It writes one row, however many
 * jobs wait. Enqueueing goes on, running jobs finish, and a claim that has already begun may still
 * take jobs. An unknown queue is paused too, with a notice.
 *
 * partition_key: pause only the jobs with that key, of a queue that serves its keys in turn.
 */
create or replace function pgq.pause_queue(
  queue text,
  duration interval default null,
  partition_key text default null
)
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
  if pause_queue.partition_key is not null then
    perform pgq._pause_partition(
      pause_queue.queue collate "default", pause_queue.partition_key collate "default",
      pause_queue.duration
    );
    return;
  end if;
  perform pgq._notice_unknown_queue(pause_queue.queue collate "default");
  insert into pgq.queues as configured (name, paused_at, paused_until)
  values (pause_queue.queue, v_now, pgq._pause_end(v_now, pause_queue.duration))
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
  'Stop claims from a queue, or of one partition key, for a while or until resume_queue().';
