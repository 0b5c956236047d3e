/*
 * Every job and where it is: in a lane, or in the history.
 *
 * It has no settings, so that it is inlined, and no condition of its own. Only then can a plan
 * walk the primary keys side by side in their order, and leave out the lanes that are not asked
 * for.
 */
create or replace function pgq._job_places()
  returns table (
    id bigint, place text, state text, queue text, worker_id bigint, finished_at timestamptz
  )
  language sql
  stable
as $$
  select job_id, 'scheduled'::text, 'scheduled'::text, queue, null::bigint, '-infinity'::timestamptz
  from pgq.scheduled
  union all
  select job_id, 'blocked', 'blocked', queue, null, '-infinity' from pgq.blocked
  union all
  select job_id, 'ready', 'ready', queue, null, '-infinity' from pgq.ready
  union all
  select job_id, 'running', 'running', queue, worker_id, '-infinity' from pgq.running
  union all
  select id, 'history', state, queue, worker_id, finished_at from pgq.job_history
$$;

comment on function pgq._job_places is 'Every job and where it is: in a lane, or in the history.';
