/*
 * Delete jobs for good, waiting or finished, without a trace in the history.
 *
 * Answers per job: discarded; running, which cancel() is for; not_found; busy, when another
 * session is changing it.
 */
create or replace function pgq.discard(ids bigint[])
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
  v_waiting constant bigint[] := pgq._take_waiting(discard.ids);
  v_discarded bigint[];
begin
  with dropped as (
    delete from pgq.jobs
    where id = any(v_waiting)
    returning id
  ),
  forgotten as (
    delete from pgq.job_history
    where id = any(discard.ids)
    returning id
  )
  select array_agg(id)
  into v_discarded
  from (
    select id from dropped
    union all
    select id from forgotten
  ) as gone;

  return query
  select asked,
    case
      when discarded is not null then 'discarded'
      when (select true from pgq.running as claim where claim.job_id = asked) then 'running'
      when (select true from pgq.jobs as job where job.id = asked) then 'busy'
      else 'not_found'
    end
  from unnest(discard.ids) as asked
  left join unnest(v_discarded) as discarded on discarded = asked;
end
$$;

comment on function pgq.discard is
  'Delete jobs for good, waiting or finished; answers per job.';
