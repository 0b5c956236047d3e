/*
 * Fail all claims of a worker that is gone as lost runs; answer how many those were.
 */
create or replace function pgq._fail_all_runs(worker_id bigint, message text)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_lost bigint := 0;
  v_step bigint;
begin
  if _fail_all_runs.worker_id is null then
    return 0;
  end if;
  loop
    v_step := pgq._fail_lost_runs(_fail_all_runs.worker_id, 1000, message);
    exit when v_step = 0;
    v_lost := v_lost + v_step;
  end loop;
  return v_lost;
end
$$;

comment on function pgq._fail_all_runs is
  'Fail all claims of a worker that is gone as lost runs; answer how many those were.';
