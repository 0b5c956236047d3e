/*
 * The jobs of an enqueue_many call as rows, in their order.
 *
 * Plain SQL without settings, so that it is inlined into the statements that read it.
 */
create or replace function pgq._job_rows(jobs jsonb)
  returns setof pgq.job_options
  language sql
  stable
as $$
  select *
  from pg_catalog.jsonb_populate_recordset(null::pgq.job_options, jobs)
$$;

comment on function pgq._job_rows is 'The jobs of an enqueue_many call as rows, in their order.';
