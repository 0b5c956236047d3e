/*
 * Warn an operator whose call names an unknown queue: its name is misspelt, or it has no job yet.
 * It is a notice and not an error, because you may configure a queue before its first job. It reads
 * a bounded number of jobs; of those that ended, the latest 10,000.
 */
create or replace function pgq._notice_unknown_queue(queue text)
  returns void
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
  if exists (select from pgq.queues where name = queue)
    or exists (select from pgq.ready as lane where lane.queue = _notice_unknown_queue.queue)
    or exists (select from pgq.running as lane where lane.queue = _notice_unknown_queue.queue)
    or exists (
      select
      from (select lane.queue as name from pgq.scheduled as lane limit 100000) as due
      where name = queue
    )
    or exists (
      select
      from (select lane.queue as name from pgq.blocked as lane limit 100000) as waiter
      where name = queue
    )
    or exists (select from pgq.workers as worker where queue = any(worker.queues))
    or exists (select from pgq.schedules as known where known.job ->> 'queue' = queue)
    or exists (
      select
      from (select past.queue as name from pgq.job_history as past order by id desc limit 10000)
        as ended
      where name = queue
    )
  then
    return;
  end if;
  raise notice 'no job, worker or schedule has named queue % so far', pgq._shorten(queue)
    using hint = 'Check whether it is misspelt: the view queue_stats lists the queues in use.';
end
$$;

comment on function pgq._notice_unknown_queue is
  'Warn an operator whose call names an unknown queue.';
