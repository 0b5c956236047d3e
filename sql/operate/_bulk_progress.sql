/*
 * How much of a bulk operation is done, from 0 to 1. It goes by the number of its jobs. If there
 * were more than could be counted, it goes by how far the ids have come.
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
