/*
 * Add jobs, given as a JSON array of objects with the options of enqueue(), all or none.
 *
 * Jobs without a unique_key are inserted by one statement. Those with one follow by another, in the
 * order of their keys: two calls with the same keys in any order wait for each other in the same
 * order. Owners to be replaced or bumped are locked last, in the order of their ids.
 * What on_conflict => 'discard' drops has a null id.
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
