/*
 * The arguments of a job by name, for templates: positional ones under their place (from 0) and,
 * where the task's code has said how its arguments are called, under their name, too.
 */
create or replace function pgq._named_args(args jsonb, parameters jsonb)
  returns jsonb
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_both constant boolean := jsonb_typeof(args) = 'object'
    and args ?& '{args,kwargs}'
    and args - '{args,kwargs}'::text[] = '{}'
    and jsonb_typeof(args -> 'args') = 'array'
    and jsonb_typeof(args -> 'kwargs') = 'object';
  v_listed constant jsonb := case
    when v_both then args -> 'args'
    when jsonb_typeof(args) = 'array' then args
    else '[]'
  end;
  v_named constant jsonb := case
    when v_both then args -> 'kwargs'
    when jsonb_typeof(args) = 'object' then args
    else '{}'
  end;
begin
  return coalesce(parameters -> 'defaults', '{}')
    || (
      select coalesce(
        jsonb_object_agg(place - 1, given)
        || coalesce(
          jsonb_object_agg(parameters -> 'names' ->> (place - 1)::integer, given)
            filter (where parameters -> 'names' ->> (place - 1)::integer is not null),
          '{}'
        ),
        '{}'
      )
      from jsonb_array_elements(v_listed) with ordinality as listed (given, place)
    )
    || v_named;
end
$$;

comment on function pgq._named_args is 'The arguments of a job by name, for templates.';
