/*
 * backlog
 *   when: in the last minute a fifth more jobs came into a queue than ended, and one has waited for
 *     30 s
 *   do: start more workers
 */
create or replace function pgq._health_backlog(now_at timestamptz, late_queues text[])
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select 'backlog', pgq._status_above(count(*), 0, 'infinity'),
    coalesce(max(comes - goes), 0),
    case count(*)
      when 0 then 'jobs end as fast as they come'
      else 'jobs come faster than they end: ' || pgq._list_briefly(array_agg(
        format('%s (%s a minute, %s end)', queue, round(60 * comes), round(60 * goes))
        order by comes - goes desc))
    end,
    case
      when count(*) > 0
      then format('Start more workers for this queue, or raise their concurrency: '
        'pgq worker app.tasks -q %s', (array_agg(queue order by comes - goes desc))[1])
    end,
    'The queue grows: without more workers its jobs will be late.'
  from pgq._queue_rates(now_at, late_queues)
  where comes > 1.2 * goes;
end
$$;

comment on function pgq._health_backlog is
  'Health: whether more jobs come into a queue than end.';
