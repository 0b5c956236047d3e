/*
 * What run_now() does. Locks scheduled jobs.
 */
create or replace function pgq._run_jobs_now(ids bigint[])
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
  v_moved bigint[];
begin
  v_moved := array(
    select lane.job_id
    from pgq.scheduled as lane
    where lane.job_id = any(_run_jobs_now.ids)
    order by lane.job_id
    for update
  );
  delete from pgq.scheduled as lane
  where lane.job_id = any(v_moved);
  update pgq.jobs
  set run_at = v_now
  where id = any(v_moved);
  perform pgq._place_in_lane(v_moved, v_now);

  return query
  select asked,
    case
      when moved is not null then 'promoted'
      when (select true from pgq.running as claim where claim.job_id = asked) then 'running'
      when (select true from pgq.ready as lane where lane.job_id = asked)
        or (select true from pgq.blocked as lane where lane.job_id = asked)
      then 'waiting'
      when (select true from pgq.jobs as job where job.id = asked) then 'busy'
      when (select true from pgq.job_history as past where past.id = asked limit 1) then 'finished'
      else 'not_found'
    end
  from unnest(_run_jobs_now.ids) as asked
  left join unnest(v_moved) as moved on moved = asked;
end
$$;

comment on function pgq._run_jobs_now is 'What run_now() does.';
