/*
 * maintenance
 *   when: a step is 2 min (fail: 10 min) late, or fails (fail: for 10 min; a day where it only
 *     waits for a reader of the history)
 *   do: start a worker, or run `pgq maintain` from cron; repair what the error says
 *
 * The check fails if a step is late, or has failed, for ten minutes. If the step only waits for a
 * reader of the history, the limit is a day, because partitions are made a week ahead.
 */
create or replace function pgq._health_maintenance(now_at timestamptz)
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  with todo as materialized (
    select task.step, task.last_error,
      extract(epoch from now_at - task.failing_since)::double precision as failing,
      case when task.last_error like '55P03:%' then 86400 else 600 end as patience,
      case
        when task.due_at = '-infinity' then 'infinity'::double precision
        -- The clock was set back; maintain() does the step all the same.
        when task.due_at > now_at + greatest(task.every, interval '10 seconds') then 121
        else greatest(extract(epoch from now_at - task.due_at)::double precision, 0)
      end as late
    from pgq.maintenance as task
  ),
  summed as (
    select nullif(max(late), 0) as late,
      (array_agg(step order by late desc, step))[1] as latest,
      coalesce(bool_or(failing > patience), false) as fails,
      array_agg(format('%s (%s)', step, last_error) order by failing desc, step)
        filter (where failing > case when patience = 600 then -1 else 3600 end) as broken
    from todo
  )
  select 'maintenance',
    case
      when summed.fails or summed.late > 600 then 'fail'
      when summed.broken is not null or summed.late > 120 then 'warn'
      else 'ok'
    end,
    nullif(summed.late, 'infinity'),
    case
      when summed.broken is not null then 'failing: ' || pgq._list_briefly(summed.broken)
      when coalesce(summed.late, 0) <= 120 then 'every step is done in time'
      when summed.late = 'infinity' then 'maintenance has never run'
      else format('maintenance is late by %s: %s',
        pgq._format_interval(make_interval(secs => summed.late)), summed.latest)
    end,
    case
      when summed.broken is not null
      then 'Repair what the error says; pgq tries again every 10 seconds: select * from '
        || 'pgq.maintain();'
      when summed.late > 120 then 'Start a worker, or: select * from pgq.maintain();'
    end,
    'Part of the maintenance is not done: rescues, expired jobs, old history.'
  from summed;
end
$$;

comment on function pgq._health_maintenance is
  'Health: whether each step of maintain() is done in time, and without an error.';
