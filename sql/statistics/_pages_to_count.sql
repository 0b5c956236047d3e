/*
 * Return which pages of a table to read, so that counting its rows has a bounded cost.
 *
 * A table of up to 1,500 pages is read whole. In a larger one the last 500 pages are read, because
 * new rows are there, and 250 pages in even steps of those before. A row on one of these 250
 * stands for `factor` rows.
 */
create or replace function pgq._pages_to_count(relation regclass)
  returns table (first_place tid, before_place tid, factor bigint, is_sampled boolean)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_pages constant bigint := pg_relation_size(relation) / current_setting('block_size')::bigint;
  v_sampled constant bigint := case when v_pages <= 1500 then 0 else v_pages - 500 end;
  v_step constant bigint := ceil(greatest(v_sampled, 1) / 250.0);
begin
  return query
  select format('(%s,0)', page)::tid, format('(%s,0)', page + 1)::tid,
    least(v_step, v_sampled - page + v_step / 2), true
  from generate_series(v_step / 2, v_sampled - 1, v_step) as page
  union all
  select format('(%s,0)', v_sampled)::tid, '(4294967295,0)', 1, v_sampled > 0;
end
$$;

comment on function pgq._pages_to_count is
  'Return which pages of a table to read, so that counting its rows has a bounded cost.';
