create or replace function pgq._raise_invalid_job(
  problem text[],
  place text default '',
  task text default null
)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if task <> '' then
    raise exception '%', place || pgq._shorten(problem[1], 300)
      using errcode = 'JQ001',
            detail = format('Its task is %s.', pgq._shorten(task)),
            hint = problem[2];
  end if;
  raise exception '%', place || pgq._shorten(problem[1], 300)
    using errcode = 'JQ001',
          hint = problem[2];
end
$$;

comment on function pgq._raise_invalid_job is 'Raise what _job_problem found.';
