/*
 * invariants
 *   when: `verify()` finds something
 *   do: keep its answer, and report it
 */
create or replace function pgq._health_invariants()
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select 'invariants', pgq._status_above(count(*), 0, 0), count(*)::double precision,
    case count(*)
      when 0 then 'every job is in exactly one lane'
      else 'violated: ' || pgq._list_briefly(array_agg(format('%s (job %s)', violation, job_id)))
    end,
    case
      when count(*) > 0
      then 'Somebody wrote to the tables, or this is a bug: keep the answer of '
        || 'select * from pgq.verify(), and report it.'
    end,
    'Jobs are in a state that no function of pgq makes; some may be stuck.'
  from pgq.verify()
$$;

comment on function pgq._health_invariants is 'Health: whether verify() finds nothing.';
