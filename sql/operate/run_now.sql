/*
 * Make scheduled jobs due now, retries among them; like promote_due, whatever their time.
 *
 * Answers per job: promoted; waiting, for a worker, for other jobs or for a semaphore, which time
 * does not change; running; finished; not_found; busy, when another session is changing it.
 */
create or replace function pgq.run_now(ids bigint[])
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
  v_moved bigint[];
begin
  perform pgq._check_count(cardinality(run_now.ids), 'ids');
  v_moved := array(
    select lane.job_id
    from pgq.scheduled as lane
    where lane.job_id = any(run_now.ids)
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
  from unnest(run_now.ids) as asked
  left join unnest(v_moved) as moved on moved = asked;
end
$$;

comment on function pgq.run_now is 'Make scheduled jobs due now; answers per job.';
