/*
 * Give no slot of a semaphore to anybody, for a while or until resume_semaphore(). It writes one
 * row, however many jobs wait. Jobs that hold slots keep them: those that run finish, and those
 * that are ready are claimed. A job that is dropped where no slot is free is dropped. An unknown
 * semaphore is paused too, with a notice.
 */
create or replace function pgq.pause_semaphore(
  concurrency_key text,
  duration interval default null
)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := pgq._now();
  v_until constant timestamptz := pgq._pause_end(v_now, pause_semaphore.duration);
begin
  if pause_semaphore.concurrency_key is null
    or length(pause_semaphore.concurrency_key) not between 1 and 512
  then
    raise exception 'concurrency_key is empty or longer than 512 characters'
      using errcode = 'JQ002',
            hint = 'Name one semaphore; the view semaphore_status lists them.';
  end if;
  perform pgq._notice_unknown_semaphore(pause_semaphore.concurrency_key collate "default");
  insert into pgq.semaphores as semaphore (concurrency_key, max_slots, paused_at, paused_until)
  values (pause_semaphore.concurrency_key, 0, v_now, v_until)
  on conflict on constraint semaphores_pkey do update
  set max_slots = 0,
      kept_slots = case
        when semaphore.paused_at is null then semaphore.max_slots
        else semaphore.kept_slots
      end,
      paused_at = case
        when semaphore.paused_until <= v_now then v_now
        else coalesce(semaphore.paused_at, v_now)
      end,
      paused_until = excluded.paused_until;
  perform pgq._audit_call(
    'pause_semaphore', pause_semaphore.concurrency_key,
    jsonb_build_object('duration', pgq._format_interval(pause_semaphore.duration))
  );
end
$$;

comment on function pgq.pause_semaphore is
  'Give no slot of a semaphore to anybody, for a while or until resume_semaphore().';
