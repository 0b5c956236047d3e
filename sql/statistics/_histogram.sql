/*
 * Count the letters of some stat_deltas: an array with the number of the bucket as its subscript.
 * Takes the letters out one after the other, so it costs little for many letters of few kinds.
 */
create or replace function pgq._histogram(letters text)
  returns bigint[]
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_left text := letters;
  v_rest text;
  v_counts bigint[];
begin
  while v_left <> '' loop
    v_rest := replace(v_left, left(v_left, 1), '');
    v_counts[ascii(v_left) - 85] := octet_length(v_left) - octet_length(v_rest);
    v_left := v_rest;
  end loop;
  return array_replace(v_counts, null, 0);
end
$$;

comment on function pgq._histogram is
  'Count the letters of some stat_deltas: an array with the number of the bucket as its subscript.';
