create or replace function pgq._with_cancel_request(ids bigint[])
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

comment on function pgq._with_cancel_request is
  'Which of these running jobs somebody asked to cancel.';
