/*
 * Delete jobs for good, waiting or finished, without a trace in the history.
 *
 * Answers per job: discarded; running, which cancel() is for; not_found; passed_over, when it is in
 * none of the states given; busy, when another session is changing it. The history goes first, as
 * in retry(); children that wait for a retry of a job in it then wait for nothing, and end. A batch
 * goes on counting what had ended; one that waited counts as if it had never been in it.
 */
create or replace function pgq.discard(ids bigint[], states text[] default null)
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
  v_waiting bigint[];
  v_discarded bigint[];
  v_hopeless bigint[];
  v_forgotten bigint[];
  v_forgotten_states text[];
  v_batches bigint[];
begin
  perform pgq._check_count(cardinality(discard.ids), 'ids');
  perform pgq._check_count(cardinality(discard.states collate "default"), 'states');
  perform from pgq.job_history where id = any(discard.ids) order by id for update;
  with forgotten as (
    delete from pgq.job_history
    where id = any(discard.ids)
      and (discard.states is null or state = any(discard.states collate "default"))
    returning id, state, batch_id
  )
  select array_agg(id), array_agg(id) filter (where state <> 'succeeded'),
    array_agg(batch_id) filter (where batch_id is not null),
    array_agg(state) filter (where batch_id is not null)
  into v_discarded, v_hopeless, v_forgotten, v_forgotten_states
  from forgotten;

  v_waiting := pgq._remove_from_lane(
    pgq._lock_jobs_in_states(discard.ids, discard.states collate "default")
  );
  with gone as (
    delete from pgq.jobs
    where id = any(v_waiting)
    returning batch_id
  )
  select array_agg(batch_id) filter (where batch_id is not null) into v_batches from gone;
  perform pgq._count_forgotten(v_forgotten, v_forgotten_states);
  perform pgq._note_ended(v_waiting || v_hopeless, false, v_batches);

  return query
  select asked,
    case
      when discarded is not null then 'discarded'
      when (select true from pgq.running as claim where claim.job_id = asked) then 'running'
      when (select true from pgq.jobs as job where job.id = asked)
        or (select true from pgq.job_history as past where past.id = asked limit 1)
      then case when discard.states is null then 'busy' else 'passed_over' end
      else 'not_found'
    end
  from unnest(discard.ids) as asked
  left join unnest(v_discarded || v_waiting) as discarded on discarded = asked;
end
$$;

comment on function pgq.discard is
  'Delete jobs for good, waiting or finished; answers per job.';
