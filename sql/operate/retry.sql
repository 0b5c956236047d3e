/*
 * Run jobs again, or sooner: one that failed, was cancelled or expired gets (at least) one more
 * attempt, one that waits for its time is due at the given time (default: now).
 *
 * Answers per job: retried; running; succeeded, which enqueues nothing; duplicate, when another
 * live job owns its unique_key; not_found; passed_over, when it is in none of the states given;
 * busy, when another session is changing it.
 */
create or replace function pgq.retry(
  ids bigint[],
  at timestamptz default null,
  states text[] default null
)
  returns table (job_id bigint, outcome text)
  language plpgsql
  security definer
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
  v_at constant timestamptz := greatest(coalesce(retry.at, v_now), v_now);
  v_moved bigint[];
  v_revived bigint[];
begin
  perform pgq._check_count(cardinality(retry.ids), 'ids');
  perform pgq._check_count(cardinality(retry.states collate "default"), 'states');
  if not v_at between v_now and timestamptz '9998-01-01 00:00+00' then
    raise exception 'at is out of range'
      using errcode = 'JQ002',
            hint = 'Pass a time before the year 9998.';
  end if;

  -- Keys before lanes, like enqueue_many; the history before both.
  v_revived := pgq._reopen_finished_jobs(retry.ids, v_at, retry.states collate "default");
  v_moved := pgq._remove_from_lane(
    pgq._lock_jobs_in_states(retry.ids, retry.states collate "default")
  );
  update pgq.jobs
  set run_at = v_at
  where id = any(v_moved);
  perform pgq._place_in_lane(v_moved || v_revived, v_now);
  -- The retry is the later word.
  delete from pgq.cancel_requests as request
  where request.job_id = any(v_moved || v_revived);

  return query
  select asked,
    case
      when retried is not null then 'retried'
      when (select true from pgq.running as claim where claim.job_id = asked) then 'running'
      when (select true from pgq.jobs as job where job.id = asked)
      then case when retry.states is null then 'busy' else 'passed_over' end
      else coalesce(
        (
          select case
              when past.state = 'succeeded' then 'succeeded'
              when (select true from pgq.jobs as owner where owner.unique_key = past.unique_key)
              then 'duplicate'
              when not past.state = any(retry.states collate "default") then 'passed_over'
              else 'busy'
            end
          from pgq.job_history as past
          where past.id = asked
          limit 1
        ),
        'not_found'
      )
    end
  from unnest(retry.ids) as asked
  left join unnest(v_moved || v_revived) as retried on retried = asked;
end
$$;

comment on function pgq.retry is
  'Run failed, cancelled or expired jobs again, or waiting ones sooner; answers per job.';
