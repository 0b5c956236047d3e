/*
 * Note a call that answered an outcome per job. The outcomes in `changes` say that the job was
 * changed.
 */
create or replace function pgq._audit_jobs(
  action text,
  job_ids bigint[],
  answers text[],
  changes text[],
  options jsonb default null
)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_changed constant bigint[] := array(
    select distinct done.job_id
    from unnest(job_ids, answers) as done (job_id, answer)
    where done.answer = any(changes)
    order by done.job_id
  );
begin
  perform pgq._audit_call(
    action, null, options, v_changed, cardinality(v_changed), pgq._count_words(answers)
  );
end
$$;

comment on function pgq._audit_jobs is 'Note a call that answered an outcome per job.';
