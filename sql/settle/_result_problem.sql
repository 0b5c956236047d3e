/*
 * Why a result cannot be stored, or could not be read later; null: it can.
 */
create or replace function pgq._result_problem(result text)
  returns text
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  c_most constant bigint := 67108864;
begin
  if octet_length(result) > c_most then
    return format('it has %s bytes, more than %s', octet_length(result), c_most);
  end if;
  return 'it has ' || pgq._json_problem(result::jsonb);
exception
  when data_exception then
    return format('it is not JSON: %s', pgq._shorten(sqlerrm, 300));
  -- A value may be too much for jsonb in three ways, by bytes, by depth and by parts.
  when program_limit_exceeded or statement_too_complex or internal_error or out_of_memory then
    return format('jsonb cannot hold it: %s', pgq._shorten(sqlerrm, 300));
end
$$;

comment on function pgq._result_problem is
  'Why a result cannot be stored, or could not be read later; null: it can.';
