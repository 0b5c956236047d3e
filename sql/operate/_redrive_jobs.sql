/*
 * What redrive() does. Locks the history, then lanes, like retry().
 */
create or replace function pgq._redrive_jobs(ids bigint[])
  returns table (job_id bigint, outcome text, new_id bigint)
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
  set enable_mergejoin = off
  set enable_hashjoin = off
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_failed bigint[] := array(
    select past.id
    from pgq.job_history as past
    where past.id = any(array(
        select pgq._linked_job(job.headers, 'exhausted_from')
        from pgq.jobs as job
        where job.id = any(ids)
      ))
      and past.state = 'failed'
    order by past.id
    for update
  );
  -- Of two dead letters of one job the newer one counts.
  v_letters bigint[] := array(
    select max(job.id)
    from pgq.jobs as job
    where job.id = any(ids)
      and pgq._linked_job(job.headers, 'exhausted_from') = any(v_failed)
    group by pgq._linked_job(job.headers, 'exhausted_from')
  );
  v_moved bigint[] := array(select unnest(pgq._remove_from_lane(v_letters)) order by 1);
  v_new bigint[] := array(select nextval('pgq.jobs_id_seq') from unnest(v_moved));
begin
  insert into pgq.jobs
  select copy.*
  from unnest(v_moved, v_new) as pair (letter_id, new_id)
  cross join lateral (
    select pgq._linked_job(job.headers, 'exhausted_from') as id
    from pgq.jobs as job
    where job.id = pair.letter_id
    offset 0
  ) as failed
  cross join lateral pgq._job_to_copy(failed.id) as copied
  cross join lateral jsonb_populate_record(copied, jsonb_build_object(
    'id', pair.new_id, 'run_at', v_now, 'created_at', v_now,
    'headers', coalesce(copied.headers, '{}') || jsonb_build_object('redriven_from', failed.id)
  )) as copy;
  perform pgq._place_new_jobs(v_new, v_now);
  perform pgq._end_jobs(v_moved, 'cancelled', v_now, 'the job that had failed was redriven');
  return query
  select asked, case when v_moved[place] = asked then 'redriven'
      else pgq._redrive_outcome(asked, v_failed, v_letters) end,
    case when v_moved[place] = asked then v_new[place] end
  from unnest(ids) as asked, width_bucket(asked, v_moved) as place;
end
$$;

comment on function pgq._redrive_jobs is 'What redrive() does.';
