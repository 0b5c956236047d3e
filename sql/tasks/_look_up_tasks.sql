/*
 * Let enqueues look up these tasks from now on. It is never taken back: a lookup that finds nothing
 * costs little, and to know that no session is about to add a task would need a lock. An enqueue
 * asks for the bit of its task, so that jobs of other tasks pay for no lookup.
 */
create or replace function pgq._look_up_tasks(tasks text[])
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  update pgq.settings
  set task_filter = task_filter | wanted.bits
  from (
    select bit_or(set_bit(repeat('0', 1024)::bit(1024), hashtext(task) & 1023, 1)) as bits
    from unnest(tasks) as task
  ) as wanted
  where task_filter | wanted.bits <> task_filter;
end
$$;

comment on function pgq._look_up_tasks is 'Let enqueues look up these tasks from now on.';
