/*
 * What cancel() does. Without wait, the answer for a job that another session has locked is busy.
 */
create or replace function pgq._cancel_jobs(ids bigint[], wait boolean)
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
  v_left bigint[] := array(
    select distinct asked from unnest(_cancel_jobs.ids) as asked order by asked
  );
  v_cancelled bigint[] := '{}';
  v_requested bigint[] := '{}';
begin
  for v_round in 1..5 loop
    v_cancelled := v_cancelled || pgq._remove_from_lane(v_left, wait and v_round = 1);
    v_left := array(select unnest(v_left) except select unnest(v_cancelled) order by 1);
    v_requested := v_requested || array(
      select claim.job_id from pgq.running as claim where claim.job_id = any(v_left)
    );
    v_left := array(
      select job.id from pgq.jobs as job where job.id = any(v_left)
      except
      select unnest(v_requested)
      order by 1
    );
    exit when cardinality(v_left) = 0;
  end loop;

  perform pgq._end_jobs(v_cancelled, 'cancelled', v_now);
  insert into pgq.cancel_requests (job_id, requested_at)
  select requested, v_now
  from unnest(v_requested) as requested
  where (
    select true from pgq.cancel_requests as request where request.job_id = requested limit 1
  ) is null;

  return query
  select asked,
    case
      when cancelled is not null then 'cancelled'
      when requested is not null then 'requested'
      when busy is not null then 'busy'
      when (select true from pgq.job_history as past where past.id = asked limit 1) then 'finished'
      else 'not_found'
    end
  from unnest(_cancel_jobs.ids) as asked
  left join unnest(v_cancelled) as cancelled on cancelled = asked
  left join unnest(v_requested) as requested on requested = asked
  left join unnest(v_left) as busy on busy = asked;
end
$$;

comment on function pgq._cancel_jobs is 'What cancel() does; without wait it skips locked jobs.';
