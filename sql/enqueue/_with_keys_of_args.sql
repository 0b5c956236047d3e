/*
 * The jobs of an enqueue_many call, those that are unique by their args with their unique_key.
 */
create or replace function pgq._with_keys_of_args(jobs jsonb)
  returns jsonb
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select jsonb_agg(
    case
      when job ->> 'unique_by' is null or job ->> 'unique_key' is not null then job
      else job || jsonb_build_object(
        'unique_key',
        pgq._key_of_args(job ->> 'task', coalesce(nullif(job -> 'args', 'null'), '{}'))
      )
    end
    order by place
  )
  from jsonb_array_elements(jobs) with ordinality as given (job, place)
$$;

comment on function pgq._with_keys_of_args is
  'The jobs of an enqueue_many call, those that are unique by their args with their unique_key.';
