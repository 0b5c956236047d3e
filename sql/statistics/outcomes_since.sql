/*
 * Return how jobs and runs ended since a cursor: about max_jobs of them, and always all of one
 * settle. The cursor is that of follow_outcomes(), or of the last row of the last answer. If there
 * are no rows, nothing is new: ask again with the same cursor. A settle that commits late is told
 * late, and none is missed.
 *
 * After succeeded, failed, cancelled and expired, the job has ended. After retried, snoozed and
 * released, it goes on. lost says that its worker is gone; what followed from that is told too.
 * The other columns are what the job says of that attempt. They are null if the job has been
 * pruned or discarded since, or has left no row, see configure_retention(). Who may not see what
 * jobs carry gets no errors.
 *
 * Outcomes are kept for an hour. An older cursor is refused, and so is every cursor after an hour
 * in which nobody asked, other than in sessions that may only read.
 */
create or replace function pgq.outcomes_since(cursor bigint, max_jobs bigint default 1000)
  returns table (
    next_cursor bigint,
    at timestamptz,
    outcome text,
    job_id bigint,
    queue text,
    task text,
    attempt integer,
    waited interval,
    ran interval,
    worker text,
    error_type text,
    error text
  )
  language plpgsql
  security definer
  rows 100
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_custom_plan
  set jit = off
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_sees_errors constant boolean := pgq._sees_contents();
begin
  if coalesce(max_jobs, 1000) not between 1 and 100000 then
    raise exception 'max_jobs is %', max_jobs
      using errcode = 'JQ002', hint = 'Pass 1 up to 100000.';
  end if;
  if outcomes_since.cursor is null or exists (
    select from pgq.settings
    where outcomes_since.cursor < followed_from
      or followed_until <= v_now
      or outcomes_since.cursor > (select last_value from pgq.outcome_log_id_seq)
  ) then
    raise exception 'outcomes since % are not kept here', coalesce(cursor::text, 'null')
      using errcode = 'JQ002',
            hint = 'Begin with select pgq.follow_outcomes(); what ended before is in job_history.';
  end if;
  perform pgq._keep_following(v_now);

  return query
  select log.id, coalesce(told.failed_at, past.finished_at, log.noted_at), log.outcome, one.job_id,
    log.queue, log.task, coalesce(one.attempt, past.attempt),
    coalesce(told.started_at - told.ready_at, past.claimed_at - past.ready_at),
    coalesce(told.failed_at - told.started_at, past.finished_at - past.claimed_at),
    coalesce(told.worker, pgq._worker_name(past.worker_id)),
    case when v_sees_errors then told.type end, case when v_sees_errors then told.message end
  from pgq._outcomes_to_tell(outcomes_since.cursor, coalesce(max_jobs, 1000)) as log
  cross join lateral unnest(log.job_ids, log.attempts)
    with ordinality as one (job_id, attempt, place)
  left join lateral (
    -- It ended in that minute or later, so earlier days need not be read.
    select ended.attempt, ended.ready_at, ended.claimed_at, ended.finished_at, ended.worker_id,
      ended.errors
    from pgq.job_history as ended
    where ended.id = one.job_id and ended.finished_at >= log.minute - interval '1 hour'
    limit 1
  ) as past on true
  left join pgq.jobs as live on live.id = one.job_id
  left join lateral pgq._error_of_attempt(
    coalesce(past.errors, live.errors), one.attempt
  ) as told on log.outcome in ('failed', 'retried', 'lost')
  order by log.id, one.place;
end
$$;

comment on function pgq.outcomes_since is 'Return how jobs and runs ended since a cursor.';
