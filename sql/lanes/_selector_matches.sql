/*
 * Whether a queue selector (exact name, prefix* or *) matches a queue. Inlined: no settings.
 */
create or replace function pgq._selector_matches(selector text, queue text)
  returns boolean
  language sql
  immutable
as $$
  select case
    when pg_catalog.right(selector, 1) = '*'
    then pg_catalog.starts_with(queue, pg_catalog.left(selector, -1))
    else queue = selector
  end
$$;

comment on function pgq._selector_matches is
  'Whether a queue selector (exact name, prefix* or *) matches a queue.';
