/*
 * Return the next rows of outcome_log after a cursor. Together they hold about max_jobs jobs.
 */
create or replace function pgq._outcomes_to_tell(cursor bigint, max_jobs bigint)
  returns setof pgq.outcome_log
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select id, noted_at, minute, queue, task, outcome, job_ids, attempts
  from (
    select log.*, sum(cardinality(log.job_ids)) over (order by log.id)
      - cardinality(log.job_ids) as before
    from (
      select * from pgq.outcome_log
      where id > _outcomes_to_tell.cursor
      order by id
      limit _outcomes_to_tell.max_jobs
    ) as log
  ) as counted
  where before < _outcomes_to_tell.max_jobs
$$;

comment on function pgq._outcomes_to_tell is 'Return the next rows of outcome_log after a cursor.';
