/*
 * Count the jobs that fit a bulk operation, up to 10,000, and look at one page of them.
 */
create or replace function pgq._estimate_bulk(
  operation pgq.bulk_operations,
  out jobs bigint,
  out is_exact boolean,
  out first_id bigint,
  out samples bigint[]
)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_ids bigint[];
  v_up_to bigint;
begin
  select ids, up_to into v_ids, v_up_to from pgq._find_bulk_page(operation, 10001);
  jobs := least(cardinality(v_ids), 10000);
  is_exact := v_up_to >= operation.highest_id and cardinality(v_ids) <= 10000;
  first_id := coalesce(v_ids[1] - 1, v_up_to);
  samples := v_ids[1:3];
end
$$;

comment on function pgq._estimate_bulk is 'Count the jobs that fit a bulk operation, up to 10,000.';
