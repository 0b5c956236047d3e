/*
 * failing_tasks
 *   when: more than half of a task's jobs failed within the hour (five at least, among the last
 *     500); or a job has failed ten times and is tried again
 *   do: mend the handler, then the statement in the hint
 *
 * Health: tasks that fail. Most of their jobs did within the hour, of the last five hundred that
 * were enqueued and have ended; or a job of theirs has failed ten times and more, and goes on:
 * looked for among the next two hundred that are due.
 *
 * Walks over no lane's dead rows: not those of running, and of scheduled just a minute's.
 */
create or replace function pgq._health_failures(now_at timestamptz)
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
  with ended as (
    select past.queue, past.task, past.state, past.finished_at
    from pgq.job_history as past
    where past.finished_at >= date_trunc('day', now_at - interval '1 hour', 'UTC')
    order by past.id desc
    limit 500
  ),
  failing as (
    select queue, task, count(*) filter (where state = 'failed') as failed, count(*) as all_ended
    from ended
    where finished_at > now_at - interval '1 hour'
      and state in ('failed', 'succeeded')
    group by queue, task
  ),
  trying as (
    select due.job_id
    from pgq.scheduled as due
    where due.run_at > now_at - interval '1 minute'
    order by due.run_at
    limit 200
  ),
  found as (
    select format('most of %s in %s (%s of %s)', task, queue, failed, all_ended) as words,
      failed as weight,
      format('select * from pgq.retry(array(select pgq.find_jobs(queue => %L, task => %L, '
        'states => ''{failed}'')));', queue, task) as cure
    from failing
    where failed >= 5
      and failed > all_ended / 2.0
    union all
    select format('%s again and again (job %s, %s times)', job.task, job.id, job.attempt), 0,
      format('select * from pgq.cancel(''{%s}'');', job.id)
    from trying
    cross join lateral (
      select live.id, live.task, live.attempt from pgq.jobs as live where live.id = trying.job_id
    ) as job
    where job.attempt >= 10
  )
  select 'failing_tasks', pgq._status_above(count(*), 0, 'infinity'), count(*)::double precision,
    case count(*)
      when 0 then 'no task fails most of the time'
      else 'these fail: ' || pgq._list_briefly(array_agg(words order by weight desc, words))
    end,
    'See their errors in failed_jobs and all_jobs, mend the handler; then: '
      || (array_agg(cure order by weight desc, words))[1],
    'Work is not done: a handler, or what it needs, is broken.'
  from found;
end
$$;

comment on function pgq._health_failures is 'Health: whether tasks fail most of the time.';
