/*
 * unserved_queues
 *   when: jobs wait in a queue that no living worker selects; fail after 30 s
 *   do: start a worker for it, or check whether the queue is misspelt
 * unserved_tasks
 *   when: jobs at the front of a queue have a task that no worker of it knows; fail after 30 s
 *   do: deploy the workers that have it; discard jobs that nobody wants, by the statement in the
 *     hint
 * lag
 *   when: a ready job waits longer than `max_lag`, not counting the queue's pauses
 *   do: start more workers; look at `pgq.queue_limits`
 *
 * Health of jobs that wait. A queue that was stopped on purpose is not late and needs no workers.
 * It also asks for the backlog, because to find the oldest job of each queue costs the most.
 */
create or replace function pgq._health_queues(
  now_at timestamptz,
  max_lag interval,
  max_age interval
)
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
  with lanes as materialized (
    select * from pgq._ready_queue_waits(now_at, max_age) where not is_stopped
  ),
  unserved as (
    select count(*) as queues, max(wait) as wait,
      pgq._list_briefly(array_agg(queue order by wait desc)) as names
    from lanes where workers = 0
  ),
  strange as (
    select count(*) as tasks, max(wait) as wait,
      pgq._list_briefly(array_agg(task || ' in ' || queue order by wait desc, task)) as names,
      (array_agg(format('%L, task => %L', queue, task) order by wait desc, task))[1] as filter
    from lanes cross join unnest(strange_tasks) as task
    where workers > 0
  ),
  lag as (select queue, wait from lanes order by wait desc limit 1)
  select 'unserved_queues',
    case when queues = 0 then 'ok' when wait > interval '30 seconds' then 'fail' else 'warn' end,
    queues::double precision,
    case queues
      when 0 then 'every queue with ready jobs has a worker'
      else 'jobs wait in queues that no living worker serves: ' || names
    end,
    case when queues > 0 then 'Start a worker for them: pgq worker app.tasks -q NAME' end,
    'These jobs wait for ever: no worker serves their queue.'
  from unserved
  union all
  select 'unserved_tasks',
    case when tasks = 0 then 'ok' when wait > interval '30 seconds' then 'fail' else 'warn' end,
    tasks::double precision,
    case
      when tasks = 0 then 'every task that is next in line has a worker'
      else format('jobs wait whose tasks no living worker of their queue knows: %s', names)
    end,
    case when tasks > 0
      then format('Start a worker that has these tasks, or look for a misspelt name; unwanted jobs '
      'go, 1000 at a time, by: select * from pgq.discard(array(select pgq.find_jobs(queue => %s, '
        'states => ''{ready}'')), ''{ready}'');', filter)
    end,
    'These jobs wait for ever: no worker has their handler.'
  from strange
  union all
  select 'lag', pgq._status_above(seconds, limits.warn, limits.fail), coalesce(seconds, 0),
    case
      when wait is null then 'nothing waits'
      else format('the oldest ready job has waited %s, in %s', pgq._format_interval(wait), queue)
    end,
    case when seconds > limits.warn then
      'Start more workers, or raise their concurrency; see pgq.queue_stats and queue_limits.' end,
    'More jobs come in than workers can run, or something blocks the workers.'
  from (select extract(epoch from max_lag / 10), extract(epoch from max_lag)) as limits (warn, fail)
  left join lag on true
  cross join lateral (select extract(epoch from wait)::double precision as seconds) as measured
  union all
  select *
  from pgq._health_backlog(now_at, array(select queue from lanes where wait > '30 seconds'));
end
$$;

comment on function pgq._health_queues is 'Health: whether workers take waiting jobs in time.';
