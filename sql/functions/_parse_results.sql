/*
 * Read the results that handlers gave, or say what is wrong with the first that is not JSON.
 *
 * All at once: entering an exception block for each would cost more than reading it.
 */
create or replace function pgq._parse_results(results text[])
  returns jsonb[]
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if results is null then
    return null;
  end if;
  begin
    return results::jsonb[];
  exception
    when data_exception or program_limit_exceeded then
      perform pgq._parse_json(result, 'result') from unnest(results) as result;
      raise;
  end;
end
$$;

comment on function pgq._parse_results is
  'Read the results that handlers gave, or say what is wrong with the first that is not JSON.';
