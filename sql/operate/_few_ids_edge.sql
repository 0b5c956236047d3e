/*
 * How far a search comes that reads so many of a few jobs between two ids (without them), the
 * newest or the oldest first. Null means that it reads all of them.
 */
create or replace function pgq._few_ids_edge(
  few bigint[],
  low bigint,
  high bigint,
  newest_first boolean,
  most bigint
)
  returns bigint
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  -- One that stands behind the last says that there are more.
  v_ids constant bigint[] := array(
    select id
    from unnest(few) as id
    where id > low and id < high
    order by case when newest_first then -id else id end
    limit most + 1);
begin
  return case when cardinality(v_ids) > most then v_ids[most] end;
end
$$;

comment on function pgq._few_ids_edge is
  'How far a search comes that reads so many of a few jobs; null: through all of them.';
