create or replace function pgq._cancel_requested(ids bigint[])
  returns bigint[]
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (
      select array(
        select distinct job_id
        from pgq.cancel_requests
        where job_id = any(ids)
        order by job_id
      )
  );
end
$$;

comment on function pgq._cancel_requested is
  'Which of these running jobs somebody asked to cancel.';
