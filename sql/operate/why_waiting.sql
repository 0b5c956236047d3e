/*
 * Why a job does not run now, in words, the first obstacle first. No rows: it runs, it has ended,
 * or there is no such job. reason is one of time, promotion, parents, semaphore, pause,
 * max_running, rate_limit, worker, task and turn. until: when this ends by itself, where that is
 * known.
 *
 * Callers who may not read failed_jobs do not see the name of a semaphore.
 */
create or replace function pgq.why_waiting(job_id bigint)
  returns table (reason text, explanation text, until timestamptz)
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_run_at timestamptz := (
    select lane.run_at from pgq.scheduled as lane where lane.job_id = why_waiting.job_id
  );
begin
  if v_run_at > v_now then
    return query select 'time', 'its time has not come', v_run_at;
  elsif v_run_at is not null then
    return query
    select 'promotion', 'its time has come, and promote_due() has not come to it',
      null::timestamptz;
  end if;
  return query
  select 'pause', case
      when configured.paused_until is null then 'its semaphore is paused until somebody resumes it'
      else 'its semaphore is paused for a while'
    end, configured.paused_until
  from pgq.blocked as lane
  join pgq.semaphores as configured on configured.concurrency_key = lane.concurrency_key
  where lane.job_id = why_waiting.job_id
    and not lane.has_parents
    and configured.paused_at is not null;
  return query select * from pgq._why_blocked(why_waiting.job_id);
  return query select * from pgq._why_ready(why_waiting.job_id, v_now);
end
$$;

comment on function pgq.why_waiting is 'Why a job does not run now, in words.';
