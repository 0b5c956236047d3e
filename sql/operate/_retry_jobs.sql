/*
 * What retry() does. Locks the history, then keys, then lanes.
 */
create or replace function pgq._retry_jobs(ids bigint[], at timestamptz, states text[])
  returns table (job_id bigint, outcome text)
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_at constant timestamptz := greatest(_retry_jobs.at, v_now);
  v_moved bigint[];
  v_revived bigint[];
begin
  -- Keys before lanes, like enqueue_many; the history before both.
  v_revived := pgq._reopen_finished_jobs(_retry_jobs.ids, v_at, _retry_jobs.states);
  v_moved := pgq._remove_from_lane(
    pgq._lock_jobs_in_states(_retry_jobs.ids, _retry_jobs.states)
  );
  update pgq.jobs
  set run_at = v_at
  where id = any(v_moved);
  perform pgq._place_in_lane(v_moved || v_revived, v_now);
  -- The retry came later than the request to cancel, so it wins.
  delete from pgq.cancel_requests as request
  where request.job_id = any(v_moved || v_revived);

  return query
  select asked,
    case
      when retried is not null then 'retried'
      when (select true from pgq.running as claim where claim.job_id = asked) then 'running'
      when (select true from pgq.jobs as job where job.id = asked)
      then case when _retry_jobs.states is null then 'busy' else 'passed_over' end
      else coalesce(
        (
          select case
              when past.state = 'succeeded' then 'succeeded'
              when (select true from pgq.jobs as owner where owner.unique_key = past.unique_key)
              then 'duplicate'
              when not past.state = any(_retry_jobs.states) then 'passed_over'
              else 'busy'
            end
          from pgq.job_history as past
          where past.id = asked
          limit 1
        ),
        'not_found'
      )
    end
  from unnest(_retry_jobs.ids) as asked
  left join unnest(v_moved || v_revived) as retried on retried = asked;
end
$$;

comment on function pgq._retry_jobs is 'What retry() does.';
