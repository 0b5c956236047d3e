/*
 * Add jobs, given as a JSON array of objects with the options of enqueue(), all or none.
 *
 * One statement inserts the jobs without a unique_key. Another one then inserts those with a key,
 * in the order of their keys, so two calls with the same keys wait for each other in the same
 * order. Owners that are replaced or bumped are locked last, in the order of their ids. A job that
 * on_conflict => 'discard' drops has a null id.
 */
create or replace function pgq.enqueue_many(jobs anycompatible)
  returns table (id bigint, created boolean)
  language plpgsql
as $$
#variable_conflict use_column
begin
  return query
  select made.id, made.created
  from pgq._enqueue_many(pgq._to_json(enqueue_many.jobs, 'jobs')) as made;
end
$$;

comment on function pgq.enqueue_many is
  'Add jobs, a JSON array of objects with the options of enqueue(), all or none; answers in order.';
