/*
 * Count the letters of some stat_deltas. The answer is an array: the number of a bucket is the
 * subscript of its count.
 *
 * It takes out one kind of letter after the other, so many letters of few kinds cost little.
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
  'Count the letters of some stat_deltas; the subscript of a count is its bucket.';
