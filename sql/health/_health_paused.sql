/*
 * broken_schedules
 *   when: a schedule paused itself
 *   do: repair what its `problem` says, then call `resume_schedule`
 * pauses
 *   when: a queue, a task, a semaphore or a partition key has been paused for a day, without an end
 *   do: call `resume_queue`, `resume_task` or `resume_semaphore`, or leave it
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
  select 'pauses', pgq._status_above(count(*) filter (where old.is_old), 0, 'infinity'),
    count(*)::double precision,
    case count(*)
      when 0 then 'nothing is paused'
      else 'paused: ' || pgq._list_briefly(array_agg(
        format('%s for %s',
          case pause.kind
            when 'semaphore' then 'a semaphore'
            when 'partition' then 'a key of queue ' || pause.queue
            else concat_ws(' ', pause.kind, pause.task, pause.queue)
          end,
          pgq._format_interval(now_at - pause.paused_at))
        order by pause.paused_at))
    end,
    'If somebody forgot it: ' || min(
      case pause.kind
        when 'task' then format('select pgq.resume_task(%L);', pause.task)
        when 'queue' then format('select pgq.resume_queue(%L);', pause.queue)
        else 'see pgq.pause_status'
      end
    ) filter (where old.is_old),
    'Something has been paused for a long time, without an end.'
  from pgq.pause_status as pause
  cross join lateral (
    select pause.paused_until is null and now_at - pause.paused_at > interval '1 day' as is_old
  ) as old;
end
$$;

comment on function pgq._health_paused is
  'Health: schedules that paused themselves, and what is paused.';
