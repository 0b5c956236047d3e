/*
 * Find the next jobs of a bulk operation, up to most of them, and the id up to which these are
 * all.
 *
 * It looks at up to 100,000 jobs, because few of them may fit. It leaves out jobs that ended after
 * the operation was made: somebody has retried them, or they have failed again.
 */
create or replace function pgq._find_bulk_page(
  operation pgq.bulk_operations,
  most bigint,
  out ids bigint[],
  out up_to bigint
)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_wanted pgq.job_filters := operation.wanted;
begin
  v_wanted.finished_before := least(
    v_wanted.finished_before, operation.created_at + interval '1 microsecond'
  );
  select found.ids, coalesce(found.looked_to, operation.highest_id)
  into ids, up_to
  from pgq._look_for_jobs(
    v_wanted, operation.last_id, operation.highest_id + 1, false, most, 100000
  ) as found;
end
$$;

comment on function pgq._find_bulk_page is
  'Find the next jobs of a bulk operation, and the id up to which these are all.';
