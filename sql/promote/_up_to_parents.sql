/*
 * The first of these jobs, as many as it takes to have most parents together.
 */
create or replace function pgq._up_to_parents(ids bigint[], most bigint)
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  return array(
    select counted.id
    from (
      select child.id, child.place,
        sum(child.parents) over (order by child.place) - child.parents as before
      from (
        select id, place,
          (select count(*) from pgq.dependencies where child_id = id) as parents
        from unnest(ids) with ordinality as given (id, place)
      ) as child
    ) as counted
    where before < most
    order by counted.place
  );
end
$$;

comment on function pgq._up_to_parents is
  'The first of these jobs that have not too many parents together.';
