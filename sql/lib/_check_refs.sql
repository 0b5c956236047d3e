/*
 * Raise for the first job of an enqueue_many call whose ref or depends_on cannot be resolved. A ref
 * must come after its job, and an id must not be above last_id, because a job of this call may get
 * it. So nobody can write a cycle.
 */
create or replace function pgq._check_refs(jobs jsonb, last_id bigint)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_places constant jsonb := (
    select coalesce(jsonb_object_agg(ref, place), '{}')
    from (
      select job ->> 'ref' as ref, min(place) as place
      from jsonb_array_elements(jobs) with ordinality as given (job, place)
      where job ->> 'ref' is not null
      group by 1
    ) as named
  );
  v_found record;
begin
  select place, problem
  into v_found
  from jsonb_array_elements(jobs) with ordinality as given (job, place)
  cross join lateral (
    select case
      when jsonb_typeof(job -> 'ref') not in ('string', 'null') or job ->> 'ref' = '' then array[
        'ref is empty or not a text', 'Pass a name that later jobs of the call give as a parent.']
      when (v_places ->> (job ->> 'ref'))::bigint < place then array[
        format('ref %s is given twice', job ->> 'ref'), 'Give each job of the call its own ref.']
      when job ->> 'ref' is not null and job ->> 'unique_key' is not null then array[
        format('ref %s is given to a job with a unique_key', job ->> 'ref'),
        'Enqueue that job first, and name its id in depends_on.']
      when jsonb_typeof(job -> 'depends_on') not in ('array', 'null') then array[
        'depends_on is not an array', 'Pass ids, or refs of earlier jobs of the call.']
      when job -> 'depends_on' is null then null
      else (
        select array[
          format('depends_on names %s, which is no job yet', parent),
          'Give the parent a ref, put it before its children, and name that ref; or pass its id.']
        from jsonb_array_elements(nullif(job -> 'depends_on', 'null')) as parent
        where case jsonb_typeof(parent)
          when 'string' then coalesce((v_places ->> (parent #>> '{}'))::bigint, place) >= place
          when 'number' then not (parent #>> '{}')::numeric between 1 and last_id
            or (parent #>> '{}')::numeric % 1 <> 0
          else true
        end
        limit 1
      )
    end as problem
  ) as checked
  where problem is not null
  order by place
  limit 1;
  if found then
    perform pgq._raise_invalid_job(v_found.problem, format('job %s: ', v_found.place));
  end if;
end
$$;

comment on function pgq._check_refs is
  'Raise for the first job of an enqueue_many call whose ref or depends_on cannot be resolved.';
