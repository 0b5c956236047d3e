/*
 * Change the options of one queue, also of one that holds no jobs yet; null leaves an option as it
 * is, and "default" takes it back. Options count for the jobs that are in the queue already.
 */
create or replace function pgq.configure_queue(queue text, backoff text default null)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_hint text;
begin
  if configure_queue.queue is null or length(configure_queue.queue) not between 1 and 128 then
    raise exception 'queue is empty or longer than 128 characters'
      using errcode = 'JQ002',
            hint = 'Name one queue.';
  end if;
  insert into pgq.queues as configured (name, backoff)
  values (
    configure_queue.queue, pgq._parse_backoff(nullif(configure_queue.backoff, 'default'))
  )
  on conflict (name) do update
  set backoff = case
    when configure_queue.backoff is null then configured.backoff
    else excluded.backoff
  end;
exception
  -- What refuses a job here refuses an argument.
  when sqlstate 'JQ001' then
    get stacked diagnostics v_hint = pg_exception_hint;
    raise exception '%', sqlerrm
      using errcode = 'JQ002',
            hint = v_hint;
end
$$;

comment on function pgq.configure_queue is
  'Change the options of one queue; null leaves one as it is, default takes it back.';
