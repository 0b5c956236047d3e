/*
 * Replace the local references of an enqueue_many call by ids: a job with a ref gets its id here,
 * as new_id, and later jobs may name the ref in depends_on.
 */
create or replace function pgq._resolve_refs(jobs jsonb)
  returns jsonb
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_ids jsonb;
begin
  if not jsonb_path_exists(jobs, '$[*].ref')
    and not jsonb_path_exists(jobs, '$[*].depends_on[*] ? (@.type() == "string")')
  then
    return jobs;
  end if;
  perform pgq._check_refs(
    jobs, (select last_value - (not is_called)::integer from pgq.jobs_id_seq)
  );

  select coalesce(jsonb_object_agg(ref, nextval('pgq.jobs_id_seq')), '{}')
  into v_ids
  from (
    select job ->> 'ref' as ref
    from jsonb_array_elements(jobs) with ordinality as given (job, place)
    where job ->> 'ref' is not null
    order by place
  ) as named;

  return (
    select jsonb_agg(
      job
      || case
        when job ->> 'ref' is null then '{}'
        else jsonb_build_object('new_id', v_ids -> (job ->> 'ref'))
      end
      || case
        when jsonb_typeof(job -> 'depends_on') is distinct from 'array' then '{}'
        else jsonb_build_object('depends_on', array(
          select
            case jsonb_typeof(parent) when 'string' then v_ids -> (parent #>> '{}') else parent end
          from jsonb_array_elements(job -> 'depends_on') as parent
        ))
      end
    )
    from jsonb_array_elements(jobs) as job
  );
end
$$;

comment on function pgq._resolve_refs is
  'Replace the local references of an enqueue_many call by ids.';
