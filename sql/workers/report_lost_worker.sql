/*
 * Give up a worker at once, because the caller knows that it has ended. Its claims are lost runs,
 * which count as attempts, with the reason in their errors. Answers how many there were. If the
 * worker lives after all, it learns of this at its next heartbeat, and its settles of those jobs
 * answer lost.
 */
create or replace function pgq.report_lost_worker(worker_id bigint, reason text default null)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text;
  v_lost bigint;
begin
  -- This comes first, because it waits for a claim in progress, whose jobs are then visible below.
  delete from pgq.workers
  where id = report_lost_worker.worker_id
  returning name into v_name;
  v_lost := pgq._fail_all_runs(
    report_lost_worker.worker_id,
    format('worker %s (%s) %s',
      report_lost_worker.worker_id, coalesce(v_name, 'given up before'),
      coalesce(nullif(report_lost_worker.reason collate "default", ''), 'died'))
  );
  if v_name is not null or v_lost > 0 then
    perform pgq._audit_call(
      'report_lost_worker', report_lost_worker.worker_id::text,
      jsonb_build_object('name', v_name, 'lost_runs', v_lost)
    );
  end if;
  return v_lost;
end
$$;

comment on function pgq.report_lost_worker is
  'Give up a worker that the caller knows to have ended; answers how many lost runs it had.';
