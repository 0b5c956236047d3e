/*
 * Count the letters of some stat_deltas. The answer is a histogram, or null if there are none.
 *
 * A histogram is one number, which has twelve decimal digits for each bucket: the lowest are those
 * of bucket -20. So sum() adds histograms bucket by bucket, and fast; _counts_of() reads one. A
 * bucket has room for a trillion jobs.
 *
 * It takes out one kind of letter after the other, so many letters of few kinds cost little.
 */
create or replace function pgq._histogram(letters text)
  returns numeric
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_left text := letters;
  v_rest text;
  v_sum numeric;
begin
  while v_left <> '' loop
    v_rest := replace(v_left, left(v_left, 1), '');
    v_sum := coalesce(v_sum, 0) + (
      octet_length(v_left) - octet_length(v_rest) || repeat('0', 12 * (ascii(v_left) - 65))
    )::numeric;
    v_left := v_rest;
  end loop;
  return v_sum;
end
$$;

comment on function pgq._histogram is
  'Count the letters of some stat_deltas: twelve digits for each bucket.';
