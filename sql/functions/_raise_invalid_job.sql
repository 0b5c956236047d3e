create or replace function pgq._raise_invalid_job(problem text[], place text default '')
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception '%', place || pgq._shown(problem[1], 300)
    using errcode = 'JQ001',
          hint = problem[2];
end
$$;

comment on function pgq._raise_invalid_job is 'Raise what _job_problem found.';
