/*
 * Give waiting jobs another priority: scheduled, blocked or ready ones; lower runs first.
 *
 * Answers per job: reprioritised, also when it had that priority already, and then keeps its place;
 * running, which takes no notice of it; finished; not_found; busy, when another session is changing
 * it. A job that is moved comes last among those of its new priority; one that holds a semaphore
 * gives it back, and lines up again. Locks jobs in the order of their lanes and ids.
 */
create or replace function pgq.reprioritise(ids bigint[], priority bigint)
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
  v_moved bigint[];
begin
  perform pgq._check_count(cardinality(reprioritise.ids), 'ids');
  if (reprioritise.priority between -2147483648 and 2147483647) is not true then
    raise exception 'priority is null or out of range'
      using errcode = 'JQ002',
            hint = 'Pass a 32-bit integer; lower runs first.';
  end if;

  v_moved := pgq._remove_from_lane(array(
    select job.id
    from pgq.jobs as job
    where job.id = any(reprioritise.ids)
      and job.priority <> reprioritise.priority
  ));
  update pgq.jobs
  set priority = reprioritise.priority
  where id = any(v_moved);
  perform pgq._place_in_lane(v_moved, pgq._now());

  return query
  select asked,
    case
      when moved is not null then 'reprioritised'
      when (select true from pgq.running as claim where claim.job_id = asked) then 'running'
      else coalesce(
        (
          select case when job.priority = reprioritise.priority then 'reprioritised' else 'busy' end
          from pgq.jobs as job
          where job.id = asked
        ),
        (select 'finished' from pgq.job_history as past where past.id = asked limit 1),
        'not_found'
      )
    end
  from unnest(reprioritise.ids) as asked
  left join unnest(v_moved) as moved on moved = asked;
end
$$;

comment on function pgq.reprioritise is
  'Give waiting jobs another priority, lower runs first; answers per job.';
