/*
 * Read the results that handlers returned; if some cannot be stored, say why, each at its place.
 *
 * It reads all at once, because an exception block for each would cost more than the reading.
 */
create or replace function pgq._parse_results(
  results text[],
  out parsed jsonb[],
  out problems text[]
)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if results is null then
    return;
  end if;
  begin
    if not exists (select from unnest(results) as result where octet_length(result) > 67108864)
    then
      parsed := results::jsonb[];
      if not exists (
        select from unnest(parsed) as result where pgq._json_problem(result) is not null
      ) then
        return;
      end if;
    end if;
  exception
    when data_exception or program_limit_exceeded or statement_too_complex or internal_error
      or out_of_memory
    then
      null;
  end;

  problems := array(select pgq._result_problem(result) from unnest(results) as result);
  if num_nulls(variadic problems) = cardinality(problems) then
    raise exception 'the results are too large together'
      using errcode = 'JQ001',
            hint = 'Settle fewer jobs at a time.';
  end if;
end
$$;

comment on function pgq._parse_results is
  'Read the results that handlers returned; if some cannot be stored, say why.';
