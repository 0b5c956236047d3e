/*
 * Find up to most jobs that fit, between two ids but without them, the newest or the oldest first;
 * see _look_for_jobs(). few_live and few_past say that an index leads to the jobs to look at.
 */
create or replace function pgq._find_jobs_between(
  wanted pgq.job_filters,
  low bigint,
  high bigint,
  newest_first boolean,
  most bigint,
  live boolean,
  past boolean,
  few_live bigint[],
  few_past boolean
)
  returns table (id bigint, finished_at timestamptz)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return query
  select found.id, found.finished_at
  from (
    select waiting.id, null::timestamptz as finished_at
    from pgq._find_live_jobs(wanted, low, high, few_live) as waiting (id)
    where live
    union all
    select ended.id, ended.finished_at
    from pgq._find_finished_jobs(wanted, low, high, few_past) as ended
    where past
  ) as found
  order by case when newest_first then - found.id else found.id end
  limit most;
end
$$;

comment on function pgq._find_jobs_between is
  'Find up to most jobs that fit between two ids, in order.';
