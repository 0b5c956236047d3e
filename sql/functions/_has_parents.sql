/*
 * Whether a job still waits for parents.
 *
 * Plain SQL without settings, so that it is inlined: the usual job has none, and costs no look-up.
 */
create or replace function pgq._has_parents(job_id bigint, depends_on bigint[])
  returns boolean
  language sql
  stable
as $$
  select case
    when depends_on is null then false
    else coalesce(
      (
        select true
        from pgq.dependencies as edge
        where edge.child_id = _has_parents.job_id
        limit 1
      ),
      false
    )
  end
$$;

comment on function pgq._has_parents is 'Whether a job still waits for parents.';
