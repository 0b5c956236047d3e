/*
 * Replace the local references of an enqueue_many call by ids: a job with a ref gets its id here,
 * as new_id, and later jobs may name the ref in depends_on.
 *
 * A job in strict order gets its id here too, because jobs with a unique_key are stored last: ids
 * must be in the order of the call.
 */
create or replace function pgq._resolve_refs(jobs jsonb)
  returns jsonb
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_ids jsonb;
  v_refs jsonb;
begin
  if not jsonb_path_exists(jobs, '$[*].ref')
    and not jsonb_path_exists(jobs, '$[*].depends_on[*] ? (@.type() == "string")')
    and not jsonb_path_exists(jobs, '$[*] ? (exists(@.concurrency_order)
      && (exists(@.unique_key) || exists(@.unique_by)))')
  then
    return jobs;
  end if;
  perform pgq._check_refs(
    jobs, (select last_value - (not is_called)::integer from pgq.jobs_id_seq)
  );

  select coalesce(jsonb_object_agg(place, new_id), '{}'),
    coalesce(jsonb_object_agg(ref, new_id) filter (where ref is not null), '{}')
  into v_ids, v_refs
  from (
    select place, ref, nextval('pgq.jobs_id_seq') as new_id
    from (
      select place, job ->> 'ref' as ref
      from jsonb_array_elements(jobs) with ordinality as given (job, place)
      where job ->> 'ref' is not null
        or job ->> 'concurrency_order' is not null
      order by place
    ) as listed
  ) as numbered;

  return (
    select jsonb_agg(
      job
      || case
        when v_ids ? place::text then jsonb_build_object('new_id', v_ids -> place::text)
        else '{}'
      end
      || case
        when jsonb_typeof(job -> 'depends_on') is distinct from 'array' then '{}'
        else jsonb_build_object('depends_on', array(
          select
            case jsonb_typeof(parent) when 'string' then v_refs -> (parent #>> '{}') else parent end
          from jsonb_array_elements(job -> 'depends_on') as parent
        ))
      end
    )
    from jsonb_array_elements(jobs) with ordinality as given (job, place)
  );
end
$$;

comment on function pgq._resolve_refs is
  'Replace the local references of an enqueue_many call by ids.';
