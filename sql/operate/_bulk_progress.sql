/*
 * How much of a bulk operation is done, from 0 to 1: by the number of its jobs, or, if it had more
 * than were counted, by how far it has come in their ids.
 */
create or replace function pgq._bulk_progress(operation pgq.bulk_operations)
  returns double precision
  language sql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
  select case
    when operation.ending = 'finished' then 1
    when operation.is_exact and operation.jobs > 0
    then least(1, pgq._bulk_jobs_done(operation.outcomes) / operation.jobs::double precision)
    when operation.highest_id > operation.first_id
    then greatest(0, operation.last_id - operation.first_id)
      / (operation.highest_id - operation.first_id)::double precision
    else 0
  end
$$;

comment on function pgq._bulk_progress is 'How much of a bulk operation is done, from 0 to 1.';
