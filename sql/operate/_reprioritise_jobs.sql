/*
 * What reprioritise() does. Locks lanes, then jobs.
 */
create or replace function pgq._reprioritise_jobs(ids bigint[], priority bigint)
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
  v_moved bigint[];
begin
  v_moved := pgq._remove_from_lane(array(
    select job.id
    from pgq.jobs as job
    where job.id = any(_reprioritise_jobs.ids)
      and job.priority <> _reprioritise_jobs.priority
  ));
  update pgq.jobs
  set priority = _reprioritise_jobs.priority
  where id = any(v_moved);
  perform pgq._place_in_lane(v_moved, pgq._now());

  return query
  select asked,
    case
      when moved is not null then 'reprioritised'
      when (select true from pgq.running as claim where claim.job_id = asked) then 'running'
      else coalesce(
        (
          select case
              when job.priority = _reprioritise_jobs.priority then 'reprioritised'
              else 'busy'
            end
          from pgq.jobs as job
          where job.id = asked
        ),
        (select 'finished' from pgq.job_history as past where past.id = asked limit 1),
        'not_found'
      )
    end
  from unnest(_reprioritise_jobs.ids) as asked
  left join unnest(v_moved) as moved on moved = asked;
end
$$;

comment on function pgq._reprioritise_jobs is 'What reprioritise() does.';
