/*
 * Count how these live jobs, or their claims, end. It inserts a row per queue and task, which the
 * step `statistics` of maintain() counts and deletes. Call it while the jobs, and their claims if
 * they have any, are still there. complete_batch does the same within its statement.
 *
 * A claim that is handed back has no run. A lost run is counted beside the outcome that follows
 * from it, which has its times.
 */
create or replace function pgq._count_outcome(ids bigint[], outcome text, now_at timestamptz)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
begin
  insert into pgq.stat_deltas (
    minute, jobs, wait_us, run_us, queue, task, outcome, waits, runs, job_ids, attempts
  )
  select date_trunc('minute', now_at, 'UTC'), count(*), greatest(sum(wait), 0),
    greatest(sum(run), 0), queue, task, _count_outcome.outcome,
    coalesce(string_agg(pgq._bucket_letter(wait), ''), ''),
    coalesce(string_agg(pgq._bucket_letter(run), ''), ''),
    array_agg(id) filter (where is_followed), array_agg(attempt) filter (where is_followed)
  from (
    select job.id, job.queue, job.task, claim.wait, claim.run,
      job.attempt + coalesce(claim.counts, 0) as attempt,
      (select setting.followed_until > now_at from pgq.settings as setting) as is_followed
    from pgq.jobs as job
    left join lateral (
      select 1 as counts,
        case when _count_outcome.outcome <> 'lost' then
          pgq._microseconds(held.ready_at, held.claimed_at)
        end as wait,
        case when _count_outcome.outcome not in ('lost', 'released') then
          pgq._microseconds(held.claimed_at, now_at)
        end as run
      from pgq.running as held
      where held.job_id = job.id
      offset 0
    ) as claim on true
    where job.id = any(ids)
      and (select setting.statistics from pgq.settings as setting) = 'on'
  ) as ended
  group by queue, task;
end
$$;

comment on function pgq._count_outcome is
  'Count how these live jobs, or their claims, end, for the statistics.';
