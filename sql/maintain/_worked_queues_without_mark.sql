/*
 * Queues in use without a mark at the default priority: those of running jobs, and those that
 * workers name. It does not return all known queues, because a claim reads every queue with a mark.
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
  'Queues in use without a mark at the default priority.';
