/*
 * Notify, once per queue, if some worker of that queue is idle. Only a hint: workers poll too.
 */
create or replace function pgq._wake_workers(queues text[])
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_notify('pgq_jobs', queue)
  from unnest(queues) as queue
  where (select notify from pgq.settings)
    and exists (
      select
      from pgq.workers as worker
      where worker.idle
        and exists (
          select
          from unnest(worker.queues) as selector
          where pgq._selector_matches(selector, queue)
        )
    );
end
$$;

comment on function pgq._wake_workers is
  'Notify, once per queue, if some worker of that queue is idle.';
