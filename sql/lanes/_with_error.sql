create or replace function pgq._with_error(errors jsonb, entry jsonb)
  returns jsonb
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_path_query_array(
    coalesce(errors, '[]') || jsonb_build_array(entry), '$[last - 9 to last]'
  );
end
$$;

comment on function pgq._with_error is 'The errors of a job with one more, the last ten of them.';
