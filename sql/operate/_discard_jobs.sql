/*
 * What discard() does. Locks the history, then lanes.
 */
create or replace function pgq._discard_jobs(ids bigint[], states text[])
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
  v_past bigint[];
  v_waiting bigint[];
  v_discarded bigint[];
  v_hopeless bigint[];
  v_forgotten bigint[];
  v_forgotten_states text[];
  v_batches bigint[];
begin
  -- Only what is locked in this order is deleted: a job that has ended since may be another's, who
  -- waits for one of these.
  v_past := array(
    select id from pgq.job_history where id = any(_discard_jobs.ids) order by id for update
  );
  with forgotten as (
    delete from pgq.job_history
    where id = any(v_past)
      and (_discard_jobs.states is null or state = any(_discard_jobs.states))
    returning id, state, batch_id
  )
  select array_agg(id), array_agg(id) filter (where state <> 'succeeded'),
    array_agg(batch_id) filter (where batch_id is not null),
    array_agg(state) filter (where batch_id is not null)
  into v_discarded, v_hopeless, v_forgotten, v_forgotten_states
  from forgotten;

  v_waiting := pgq._remove_from_lane(
    pgq._lock_jobs_in_states(_discard_jobs.ids, _discard_jobs.states)
  );
  v_batches := pgq._delete_jobs(v_waiting);
  perform pgq._count_forgotten(v_forgotten, v_forgotten_states);
  perform pgq._note_ended(v_waiting || v_hopeless, false, v_batches);

  return query
  select asked,
    case
      when discarded is not null then 'discarded'
      when (select true from pgq.running as claim where claim.job_id = asked) then 'running'
      when (select true from pgq.jobs as job where job.id = asked)
        or (select true from pgq.job_history as past where past.id = asked limit 1)
      then case when _discard_jobs.states is null then 'busy' else 'passed_over' end
      else 'not_found'
    end
  from unnest(_discard_jobs.ids) as asked
  left join unnest(v_discarded || v_waiting) as discarded on discarded = asked;
end
$$;

comment on function pgq._discard_jobs is 'What discard() does.';
