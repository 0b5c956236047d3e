/*
 * broken_schedules
 *   when: a schedule paused itself
 *   do: repair what its `problem` says, then call `resume_schedule`
 * paused_queues
 *   when: a queue has been paused for a day, without an end
 *   do: call `resume_queue`, or leave it
 */
create or replace function pgq._health_paused(now_at timestamptz)
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select 'broken_schedules', pgq._status_above(count(*), 0, 'infinity'), count(*)::double precision,
    case count(*)
      when 0 then 'no schedule has paused itself'
      else 'paused because they cannot fire: ' || pgq._list_briefly(array_agg(
        format('%s (%s)', schedule.name, schedule.problem) order by schedule.name))
    end,
    case
      when count(*) > 0
      then format('Repair what the problem says, then: select pgq.resume_schedule(%L);',
        min(schedule.name))
    end,
    'A schedule could not fire any more, so it paused itself.'
  from pgq.schedules as schedule
  where schedule.problem is not null;

  return query
  select 'paused_queues', pgq._status_above(count(*) filter (where old.is_old), 0, 'infinity'),
    count(*)::double precision,
    case count(*)
      when 0 then 'no queue is paused'
      else 'paused: ' || pgq._list_briefly(array_agg(
        format('%s for %s', queue.name, pgq._format_interval(now_at - queue.paused_at))
        order by queue.paused_at))
    end,
    case
      when bool_or(old.is_old)
      then format('If somebody forgot the pause: select pgq.resume_queue(%L);',
        min(queue.name) filter (where old.is_old))
    end,
    'A queue has been paused for a long time, without an end.'
  from pgq.queues as queue
  cross join lateral (
    select queue.paused_until is null and now_at - queue.paused_at > interval '1 day' as is_old
  ) as old
  where queue.paused_at is not null
    and (queue.paused_until is null or queue.paused_until > now_at);
end
$$;

comment on function pgq._health_paused is
  'Health: schedules and queues that are paused.';
