/*
 * Let claims from a paused queue go on, and wake workers that wait for it. Answers whether it was
 * paused. partition_key: end the pause of that key alone; each pause is ended by itself.
 */
create or replace function pgq.resume_queue(queue text, partition_key text default null)
  returns boolean
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_resumed boolean;
begin
  if resume_queue.partition_key is not null then
    v_resumed := pgq._end_pause(
      'partition', resume_queue.queue collate "default",
      resume_queue.partition_key collate "default"
    );
  else
    update pgq.queues
    set paused_at = null,
        paused_until = null,
        pauses = pgq._past_pauses(pauses, paused_at, paused_until, pgq._now())
    where name = resume_queue.queue collate "default"
      and paused_at is not null;
    v_resumed := found;
  end if;
  if v_resumed then
    perform pgq._audit_call(
      'resume_queue', resume_queue.queue,
      jsonb_build_object('partition_key', resume_queue.partition_key)
    );
  else
    perform pgq._notice_unknown_queue(resume_queue.queue collate "default");
  end if;
  perform pgq._wake_workers(array[resume_queue.queue] collate "default");
  return v_resumed;
end
$$;

comment on function pgq.resume_queue is
  'Let claims from a paused queue go on; answers whether it was paused.';
