/*
 * Whether a job still waits for parents.
 *
 * Its sub-select keeps it from being inlined: whoever asks for many jobs looks at depends_on first.
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
