/*
 * failing_tasks
 *   when: more than half of a task's jobs failed within the hour (five at least, among the last
 *     500); or a job has failed ten times and is tried again
 *   do: repair the handler, then run the statement in the hint
 *
 * Health: tasks that fail. More than half of a task's jobs failed within the hour, among the five
 * hundred that were enqueued last and have ended; where successes may leave no row, the statistics
 * have the last word. Or a job has failed ten times or more and will be
 * tried again; such jobs are searched among the two hundred that are due next.
 *
 * It does not walk over the dead rows of lanes: not of running, and in scheduled only over those of
 * one minute.
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
      and (not pgq._may_leave_no_row() or not pgq._mostly_succeeds(now_at, queue, task))
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
    'Read the errors in failed_jobs and all_jobs, repair the handler; then: '
      || (array_agg(cure order by weight desc, words))[1],
    'These jobs do not succeed: a handler, or something that it needs, is broken.'
  from found;
end
$$;

comment on function pgq._health_failures is 'Health: whether tasks fail most of the time.';
