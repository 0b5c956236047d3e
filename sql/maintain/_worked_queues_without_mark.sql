/*
 * Queues without a mark at the usual priority that workers take from: those of running jobs, and
 * those that workers name. Not all that are known: a claim looks into every queue with a mark.
 */
create or replace function pgq._worked_queues_without_mark()
  returns setof text
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select worked.name
  from (
    select claim.queue as name from pgq.running as claim
    union
    select selector
    from pgq.workers as worker
    cross join unnest(worker.queues) as selector
    where right(selector, 1) <> '*'
  ) as worked
  where not exists (
    select from pgq.ready_marks as mark where mark.queue = worked.name and mark.priority = 0
  );
end
$$;

comment on function pgq._worked_queues_without_mark is
  'Queues without a mark at the usual priority that workers take from.';
