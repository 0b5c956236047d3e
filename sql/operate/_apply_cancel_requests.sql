/*
 * Cancel up to batch_size jobs that went back to waiting although somebody had asked to cancel
 * them. Forget as many requests for jobs that have ended. Return how many there were of both.
 *
 * A transaction that stays open may have locked any number of the first jobs. So it searches at
 * four places, as _expire_jobs() does: the first jobs, the ones right after them, the ones after a
 * random place, and the last.
 */
create or replace function pgq._apply_cancel_requests(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_last constant bigint := (
    select job_id from pgq.cancel_requests order by job_id desc, id desc limit 1
  );
  v_after bigint := 0;
  v_idle bigint[];
  v_step bigint;
  v_done bigint := 0;
begin
  for v_look in 1..4 loop
    v_idle := array(
      select distinct request.job_id
      from (
        select request.job_id, request.id
        from pgq.cancel_requests as request
        where request.job_id > v_after
          and not exists (select from pgq.running as claim where claim.job_id = request.job_id)
        order by request.job_id, request.id
        limit batch_size
      ) as request
      order by request.job_id
    );
    exit when cardinality(v_idle) = 0;
    v_after := v_idle[cardinality(v_idle)];

    select count(*) filter (where outcome = 'cancelled')
    into v_done
    from pgq._cancel_jobs(v_idle, false);
    delete from pgq.cancel_requests
    where ctid = any(array(
      select request.ctid
      from pgq.cancel_requests as request
      where request.job_id = any(v_idle)
        and not exists (select from pgq.jobs as job where job.id = request.job_id)
      limit batch_size
      for update skip locked
    ));
    get diagnostics v_step = row_count;
    v_done := v_done + v_step;
    exit when v_done > 0 or v_after >= v_last;
    if v_look = 2 then
      v_after := v_after + floor(random() * (v_last - v_after))::bigint;
    elsif v_look = 3 then
      v_after := coalesce((
        select job_id from pgq.cancel_requests order by job_id desc, id desc
        offset batch_size limit 1
      ), 0);
    end if;
  end loop;
  return v_done;
end
$$;

comment on function pgq._apply_cancel_requests is
  'Cancel jobs that went back to waiting although somebody had asked to cancel them.';
